/**
 * One question over the wire: a deadline, a bound on what is read, no redirects, and one more attempt with full jitter
 * where the server asks for it. Every way to fail is a value, because a failure leaves the finding as it is.
 */
import type { Adapter, ModelRequest, ModelSettings, Prompt } from "./model.ts"

/** Time and chance of the process; tests bring their own. */
export interface World {
  readonly fetch: typeof fetch
  /** Calls back once after a while; returns how not to. */
  after(delayMs: number, callback: () => void): () => void
  /** From 0 to 1. */
  random(): number
  readonly signal?: AbortSignal | undefined
}

export type Failure =
  | "timeout"
  | "unreachable"
  | "refused"
  | "throttled"
  | "server-error"
  | "too-large"
  | "not-json"
  | "no-text"
  | "stopped"
  | "budget"

export type Sent =
  | { readonly text: string }
  | { readonly failure: Failure; readonly detail: string }

const REQUEST_TIMEOUT_MS = 10_000
const MAX_ATTEMPTS = 2
const BASE_DELAY_MS = 1_000
/** A server that wants more patience than this is as good as away. */
const MAX_DELAY_MS = 20_000
const MAX_RESPONSE_BYTES = 1024 * 1024

/**
 * Sends a prompt and gives back the text of the answer.
 * @param takeCall - asked before every request; false when no more may be sent
 */
export async function send(
  adapter: Adapter,
  settings: ModelSettings,
  prompt: Prompt,
  world: World,
  takeCall: (body: string) => boolean,
): Promise<Sent> {
  let isPlain = false
  let last: Attempt = { kind: "failed", failure: "budget", detail: "no request is left" }
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    if (world.signal?.aborted) return { failure: "stopped", detail: "the run was stopped" }
    const request = adapter.request(settings, prompt, isPlain)
    // Without budget for another attempt, what the last one said is the reason.
    if (!takeCall(request.body)) break
    last = await exchange(request, settings.key, world)
    if (last.kind === "body") return readBody(adapter, last.text)
    if (attempt === MAX_ATTEMPTS || last.kind === "failed") break
    if (last.kind === "unknown-part") isPlain = true
    else if (!(await pause(last.retryAfterMs, attempt, world))) break
  }
  if (last.kind === "again") return { failure: last.failure, detail: last.detail }
  if (last.kind === "unknown-part") return { failure: "refused", detail: "status 400" }
  return last.kind === "failed" ? last : { failure: "stopped", detail: "the run was stopped" }
}

type Attempt =
  | { readonly kind: "body"; readonly text: string }
  | { readonly kind: "failed"; readonly failure: Failure; readonly detail: string }
  /** The server may answer later. */
  | {
      readonly kind: "again"
      readonly failure: Failure
      readonly detail: string
      readonly retryAfterMs: number | null
    }
  /** Status 400: perhaps for a part that not all servers know. */
  | { readonly kind: "unknown-part" }

async function exchange(request: ModelRequest, key: string | null, world: World): Promise<Attempt> {
  const abort = new AbortController()
  const cancel = world.after(REQUEST_TIMEOUT_MS, () => abort.abort())
  const signal = world.signal ? AbortSignal.any([abort.signal, world.signal]) : abort.signal
  const { name, prefix } = request.keyHeader
  try {
    const response = await world.fetch(request.url, {
      method: "POST",
      headers: { ...request.headers, ...(key !== null && { [name]: prefix + key }) },
      body: request.body,
      // Neither code nor key goes to an address that nobody named.
      redirect: "error",
      signal,
    })
    if (response.ok) {
      const text = await readBounded(response)
      if (text === null)
        return failed("too-large", `the answer is larger than ${MAX_RESPONSE_BYTES} bytes`)
      return { kind: "body", text }
    }
    await response.body?.cancel()
    return attemptOf(response)
  } catch (error) {
    if (abort.signal.aborted)
      return failed("timeout", `no answer within ${REQUEST_TIMEOUT_MS / 1000} s`)
    if (world.signal?.aborted) return failed("stopped", "the run was stopped")
    return failed("unreachable", reasonOf(error))
  } finally {
    cancel()
  }
}

function attemptOf(response: Response): Attempt {
  const { status } = response
  const detail = `status ${status}`
  if (status === 400) return { kind: "unknown-part" }
  const again = { kind: "again", detail, retryAfterMs: retryAfterMs(response) } as const
  if (status === 429) return { ...again, failure: "throttled" }
  if (status >= 500) return { ...again, failure: "server-error" }
  return failed("refused", detail)
}

function failed(failure: Failure, detail: string): Attempt {
  return { kind: "failed", failure, detail }
}

/** The name of a network fault; its text may hold the address and more. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = (cause as { code?: unknown } | undefined)?.code
  return typeof code === "string" ? code : "the connection failed"
}

async function readBounded(response: Response): Promise<string | null> {
  const decoder = new TextDecoder()
  let text = ""
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > MAX_RESPONSE_BYTES) return null
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function readBody(adapter: Adapter, text: string): Sent {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return { failure: "not-json", detail: "the server did not answer with JSON" }
  }
  const answer = adapter.answerOf(body)
  return answer === null
    ? { failure: "no-text", detail: "the answer has no text" }
    : { text: answer }
}

/** What the server asks for, in whole seconds; dates are not read, because they need a clock that both share. */
function retryAfterMs(response: Response): number | null {
  const header = response.headers.get("retry-after")
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null
}

/** Waits; false when the run ended or the server wants more than there is. Runs that failed together come back apart. */
async function pause(askedMs: number | null, attempt: number, world: World): Promise<boolean> {
  if (askedMs !== null && askedMs > MAX_DELAY_MS) return false
  const spreadMs = world.random() * BASE_DELAY_MS * 2 ** (attempt - 1)
  const delayMs = (askedMs ?? 0) + spreadMs
  const { signal } = world
  return new Promise((resolve) => {
    const stop = (): void => {
      cancel()
      resolve(false)
    }
    const cancel = world.after(delayMs, () => {
      signal?.removeEventListener("abort", stop)
      resolve(true)
    })
    signal?.addEventListener("abort", stop, { once: true })
  })
}
