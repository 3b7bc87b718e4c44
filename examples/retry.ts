// Retries, useful without the rest of Drover: calls a service that is down for a moment, sends some callers
// away for a while, and refuses one for good.
import { retry, RetryError } from "drover/retry"

class HttpError extends Error {
  readonly status: number
  // A server's Retry-After, in milliseconds; retry() takes it as the least wait.
  readonly retryAfterMs: number | undefined

  constructor(status: number, retryAfterMs?: number) {
    super(`HTTP ${status}`)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }
}

// A flaky server: answers with what the list says, one after the other.
function server(
  answers: readonly (HttpError | string)[],
): (request: { signal: AbortSignal }) => Promise<string> {
  let calls = 0
  return ({ signal }) => {
    signal.throwIfAborted()
    const answer = answers[Math.min(calls++, answers.length - 1)]!
    return answer instanceof HttpError ? Promise.reject(answer) : Promise.resolve(answer)
  }
}

const policy = {
  base: "20ms",
  cap: "1s",
  maxAttempts: 5,
  deadline: "10s",
  timeout: "2s",
  // Only what may be better next time is worth another attempt.
  retryIf: (error: unknown) => error instanceof HttpError && error.status >= 429,
} as const

const flaky = server([new HttpError(503), new HttpError(429, 50), "42 orders"])
const orders = await retry(flaky, {
  ...policy,
  onRetry: ({ attempt, outcome, delayMs }) => {
    const why = outcome.ok ? "" : ` (${String(outcome.error)})`
    console.log(`attempt ${attempt} failed${why}; next one in ${delayMs} ms`)
  },
})
console.log(`got: ${orders}`)

const forbidden = server([new HttpError(403)])
await retry(forbidden, policy).catch((error: unknown) =>
  console.log(`not retried: ${String(error)}`),
)

const down = server([new HttpError(503)])
await retry(down, policy).catch((error: unknown) => {
  if (error instanceof RetryError) console.log(`${error.code} after ${error.attempts} attempts`)
})
