/**
 * Requests to the interface of a code host. One that was turned away for its pace is sent again; one whose outcome is
 * unknown only if doing it twice is doing it once. Waits are drawn from the whole interval, so that builds which were
 * turned away together do not come back together. A token goes to no other address than the one it was given for.
 */
import { visible } from "../reports/visible.ts"
import { HostError, type HostErrorKind } from "./hostError.ts"
import { MAX_WAIT_MS, REQUEST_TIMEOUT_MS, type Outside } from "./outside.ts"

export const MAX_ATTEMPTS = 4
/** 10 000 entries: more than a pull request that anybody reads. */
export const MAX_PAGES = 100
const BASE_WAIT_MS = 500
const LONGEST_BACKOFF_MS = 10_000
const MAX_REDIRECTS = 3

export interface ClientOptions {
  /** What messages call the host. */
  readonly name: string
  readonly baseUrl: string
  readonly headers: Readonly<Record<string, string>>
  /** Never shown. */
  readonly secret: string
  readonly outside: Outside
}

export interface Asked {
  readonly method: "GET" | "POST" | "PUT"
  /** Below the base address, with its query; or a whole address of the same origin. */
  readonly path: string
  readonly body?: unknown
  /** Whether it may be sent again when nobody knows if it was carried out. GET and PUT always may. */
  readonly repeatable?: boolean
}

export interface Reply {
  readonly body: unknown
  readonly headers: Headers
}

export class HostClient {
  readonly #options: ClientOptions
  readonly #base: URL

  constructor(options: ClientOptions) {
    this.#options = options
    this.#base = new URL(options.baseUrl.endsWith("/") ? options.baseUrl : `${options.baseUrl}/`)
  }

  /** @throws HostError */
  async send(asked: Asked): Promise<Reply> {
    const repeatable = asked.repeatable ?? asked.method !== "POST"
    for (let attempt = 1; ; attempt++) {
      const result = await this.#once(asked, this.#urlOf(asked.path), 0)
      if ("reply" in result) return result.reply
      const { error, waitMs } = result
      const mayRepeat =
        error.kind === "limited" || (error.kind === "failed" && repeatable && isPassing(error))
      if (!mayRepeat || attempt >= MAX_ATTEMPTS || (waitMs ?? 0) > MAX_WAIT_MS) throw error
      await this.#options.outside.sleep(this.#pause(attempt, waitMs))
    }
  }

  /** All entries of a list, page after page. @throws HostError */
  async pages(path: string): Promise<unknown[]> {
    const entries: unknown[] = []
    let next: string | null = path
    for (let page = 0; next !== null && page < MAX_PAGES; page++) {
      const { body, headers }: Reply = await this.send({ method: "GET", path: next })
      if (!Array.isArray(body))
        throw this.#error("failed", `no list came from ${this.#shown(next)}`)
      entries.push(...(body as unknown[]))
      next = nextPage(headers.get("link"))
    }
    return entries
  }

  #urlOf(path: string): URL {
    const url = path.startsWith("http")
      ? new URL(path)
      : new URL(path.replace(/^\//, ""), this.#base)
    if (url.origin !== this.#base.origin) {
      throw this.#error(
        "failed",
        `it points to another address (${url.origin}) than ${this.#base.origin}`,
      )
    }
    return url
  }

  async #once(asked: Asked, url: URL, redirects: number): Promise<Outcome> {
    const deadline = this.#options.outside.deadline(REQUEST_TIMEOUT_MS)
    let response: Response
    let text: string
    try {
      response = await this.#options.outside.fetch(url, {
        method: asked.method,
        headers: {
          ...this.#options.headers,
          ...(asked.body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
        redirect: "manual",
        signal: deadline.signal,
      })
      text = await response.text()
    } catch (error) {
      const reason = error instanceof Error ? causeOf(error) : String(error)
      return {
        error: this.#error("failed", `no answer to ${asked.method} ${this.#shown(url)}: ${reason}`),
      }
    } finally {
      deadline.clear()
    }
    if (response.status >= 300 && response.status < 400) {
      return this.#redirected(asked, response, redirects)
    }
    if (response.ok) return this.#parsed(asked, url, response.headers, text)
    return this.#refused(asked, url, response, text)
  }

  #redirected(asked: Asked, response: Response, redirects: number): Outcome | Promise<Outcome> {
    const location = response.headers.get("location")
    if (asked.method !== "GET" || location === null || redirects >= MAX_REDIRECTS) {
      const to = location === null ? "" : ` to ${location}`
      return {
        error: this.#error("failed", `it moved ${this.#shown(asked.path)}${to}`, response.status),
      }
    }
    return this.#once(asked, this.#urlOf(new URL(location, this.#base).href), redirects + 1)
  }

  #parsed(asked: Asked, url: URL, headers: Headers, text: string): Outcome {
    try {
      return { reply: { body: text === "" ? null : JSON.parse(text), headers } }
    } catch {
      const what = `${asked.method} ${this.#shown(url)}`
      return {
        error: this.#error(
          "failed",
          `no JSON came in answer to ${what}; is the address of its API right?`,
        ),
      }
    }
  }

  #refused(asked: Asked, url: URL, response: Response, text: string): Outcome {
    const { status, headers } = response
    const waitMs = askedWait(status, headers, text)
    const kind = waitMs === undefined ? kindOf(status) : "limited"
    const wait = waitMs === undefined ? "" : `; it asks to wait ${Math.ceil(waitMs / 1000)} s`
    const message = `it answered ${status} to ${asked.method} ${this.#shown(url)}: ${messageIn(text)}${wait}`
    return { error: this.#error(kind, message, status), ...(waitMs !== undefined && { waitMs }) }
  }

  #pause(attempt: number, waitMs: number | undefined): number {
    const { random } = this.#options.outside
    if (waitMs !== undefined) return Math.min(waitMs + random() * 1_000, MAX_WAIT_MS)
    return random() * Math.min(LONGEST_BACKOFF_MS, BASE_WAIT_MS * 2 ** attempt)
  }

  #shown(path: string | URL): string {
    return path instanceof URL ? path.pathname : path.replace(/\?.*$/, "")
  }

  #error(kind: HostErrorKind, message: string, status: number | null = null): HostError {
    const { name, secret } = this.#options
    const shown = secret === "" ? message : message.replaceAll(secret, "***")
    return new HostError(kind, visible(`${name}: ${shown}`), status)
  }
}

type Outcome = { readonly reply: Reply } | { readonly error: HostError; readonly waitMs?: number }

function kindOf(status: number): HostErrorKind {
  if (status === 401) return "credentials"
  if (status === 403 || status === 404) return "denied"
  return status === 400 || status === 422 ? "invalid" : "failed"
}

/** No answer, or an answer of a server that will be well again. */
function isPassing({ status }: HostError): boolean {
  return status === null || status >= 500
}

/** How long the host asks to wait before the next request, or undefined when pace is not its reason. */
function askedWait(status: number, headers: Headers, text: string): number | undefined {
  if (status !== 403 && status !== 429) return undefined
  const after = headers.get("retry-after")
  const served = Date.parse(headers.get("date") ?? "")
  if (after !== null)
    return /^\d+$/.test(after) ? Number(after) * 1_000 : until(Date.parse(after), served)
  const reset = headers.get("x-ratelimit-reset") ?? headers.get("ratelimit-reset")
  const left = headers.get("x-ratelimit-remaining") ?? headers.get("ratelimit-remaining")
  if (left === "0" && reset !== null) return until(Number(reset) * 1_000, served)
  // GitHub documents a minute where it gives no time.
  if (status === 429 || /secondary rate limit/i.test(text))
    return status === 429 ? 1_000 : MAX_WAIT_MS
  return undefined
}

/** Measured by the host's own clock, for ours may be wrong. */
function until(thenMs: number, servedMs: number): number {
  const wait = thenMs - servedMs
  return Number.isFinite(wait) ? Math.max(wait, 0) : MAX_WAIT_MS
}

function nextPage(link: string | null): string | null {
  for (const part of (link ?? "").split(",")) {
    const found = /<([^>]+)>\s*;[^<]*\brel="?next"?/.exec(part)
    if (found !== null) return found[1]!
  }
  return null
}

function messageIn(text: string): string {
  const MOST = 300
  try {
    const body = JSON.parse(text) as { message?: unknown; error?: unknown }
    const said = body.message ?? body.error ?? body
    return (typeof said === "string" ? said : JSON.stringify(said)).slice(0, MOST)
  } catch {
    return text.slice(0, MOST).trim()
  }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message
}
