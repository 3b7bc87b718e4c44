import { getEventListeners } from "node:events"
import { expect, expectTypeOf, test, vi } from "vitest"
import { isDroverError, Shutdown } from "../errors/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { retry, retryAfterHeaderMs, RetryError } from "./index.ts"
import type { RetryOptions } from "./index.ts"

// Fixed waits of 100 ms, so that a test can say when an attempt comes.
const plain = { backoff: "fixed", base: 100, jitter: "none", rng: new SeededRng(1) } as const

interface World {
  readonly clock: ManualClock
  /** The instants at which attempts began. */
  readonly at: number[]
  readonly outcome: Promise<{ value: unknown } | { error: unknown }>
}

// Runs attempts that do what the list says: throw an error, or return anything else.
function world(script: readonly unknown[], options: RetryOptions = {}): World {
  const clock = new ManualClock()
  const at: number[] = []
  const outcome = retry(
    ({ attempt }) => {
      at.push(clock.monotonic())
      const next = script[Math.min(attempt, script.length) - 1]
      if (next instanceof Error) throw next
      return next
    },
    { ...plain, clock, ...options },
  ).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  return { clock, at, outcome }
}

const failure = new Error("unavailable")

test("what the first good attempt returns is returned, typed", async () => {
  const { clock, at, outcome } = world([failure, failure, "done"])
  await clock.advance(1_000)
  expect(await outcome).toEqual({ value: "done" })
  expect(at).toEqual([0, 100, 200])
  expect(clock.pending).toBe(0)
  expectTypeOf(retry(() => 5)).resolves.toEqualTypeOf<number>()
  expectTypeOf(retry(() => Promise.resolve("x"))).resolves.toEqualTypeOf<string>()
})

test("each attempt knows its number and what the one before threw", async () => {
  const clock = new ManualClock()
  const seen: unknown[] = []
  const done = retry(
    ({ attempt, previousError, signal }) => {
      seen.push([attempt, previousError, signal.aborted])
      if (attempt < 3) throw failure
    },
    { ...plain, clock },
  )
  await clock.advance(1_000)
  await done
  expect(seen).toEqual([
    [1, undefined, false],
    [2, failure, false],
    [3, failure, false],
  ])
})

test("when attempts run out, the last error is the cause, and no wait follows the last attempt", async () => {
  const onGiveUp = vi.fn<() => void>()
  const { clock, at, outcome } = world([failure], { maxAttempts: 3, onGiveUp })
  await clock.advance(200)
  expect(await outcome).toEqual({ error: expect.any(RetryError) })
  expect(await outcome).toMatchObject({
    error: {
      code: "DROVER_RETRIES_EXHAUSTED",
      attempts: 3,
      cause: failure,
      message: "Gave up after 3 attempts: unavailable",
    },
  })
  expect(at).toEqual([0, 100, 200])
  expect(onGiveUp.mock.calls).toEqual([
    [{ attempts: 3, reason: "attempts", outcome: { ok: false, error: failure } }],
  ])
})

test("one attempt is one attempt", async () => {
  const { outcome, at } = world([failure], { maxAttempts: 1 })
  expect(await outcome).toMatchObject({ error: { attempts: 1, cause: failure } })
  expect(at).toEqual([0])
})

test("an error that is not worth another attempt is thrown as it is", async () => {
  const denied = new Error("denied")
  const onGiveUp = vi.fn<() => void>()
  const { clock, at, outcome } = world([failure, denied], {
    retryIf: (error) => error !== denied,
    onGiveUp,
  })
  await clock.advance(1_000)
  const { error } = (await outcome) as { error: unknown }
  expect(error).toBe(denied)
  expect(at).toEqual([0, 100])
  expect(onGiveUp).toHaveBeenCalledWith({
    attempts: 2,
    reason: "stop",
    outcome: { ok: false, error: denied },
  })
})

test("a classifier judges values too, and the last one is kept when attempts run out", async () => {
  const classify: RetryOptions["classify"] = (outcome) =>
    outcome.ok && outcome.value === 503 ? "retry" : "stop"
  const good = world([503, 503, 200], { classify })
  await good.clock.advance(1_000)
  expect(await good.outcome).toEqual({ value: 200 })
  const bad = world([503], { classify, maxAttempts: 2 })
  await bad.clock.advance(1_000)
  expect(await bad.outcome).toMatchObject({
    error: { code: "DROVER_RETRIES_EXHAUSTED", lastValue: 503 },
  })
})

test("the deadline is for everything together: no attempt begins and no wait ends after it", async () => {
  const onGiveUp = vi.fn<() => void>()
  const { clock, at, outcome } = world([failure], { deadline: 250, onGiveUp })
  await clock.advance(200)
  // The next wait would end at 300, so there is no use in waiting at all.
  expect(await outcome).toMatchObject({
    error: { code: "DROVER_DEADLINE", attempts: 3, cause: failure },
  })
  expect(at).toEqual([0, 100, 200])
  expect(onGiveUp).toHaveBeenCalledWith({
    attempts: 3,
    reason: "deadline",
    outcome: { ok: false, error: failure },
  })
})

test("an attempt never outruns the deadline, also one that ignores its signal", async () => {
  const clock = new ManualClock()
  const signals: AbortSignal[] = []
  const running = retry(
    ({ signal, attempt }) => {
      signals.push(signal)
      if (attempt === 1) throw failure
      return new Promise<never>(() => {})
    },
    { ...plain, clock, timeout: "10s", deadline: "1s" },
  )
  const outcome = running.catch((error: unknown) => error)
  await clock.advance(999)
  expect(signals[1]!.aborted).toBe(false)
  await clock.advance(1)
  expect(await outcome).toMatchObject({ code: "DROVER_DEADLINE", attempts: 2, cause: failure })
  expect(isDroverError(signals[1]!.reason, "DROVER_DEADLINE")).toBe(true)
  expect(clock.pending).toBe(0)
})

test("an attempt that takes longer than its timeout fails with Timeout, and the next one comes", async () => {
  const clock = new ManualClock()
  const reasons: unknown[] = []
  const running = retry(
    async ({ attempt, signal }) => {
      if (attempt === 2) return "done"
      await clock.sleep(10_000, { signal }).catch((reason: unknown) => reasons.push(reason))
      throw new Error("its own error comes too late")
    },
    { ...plain, clock, timeout: "1s", onRetry: ({ outcome }) => reasons.push(outcome) },
  )
  await clock.advance(1_100)
  expect(await running).toBe("done")
  const timeout = expect.objectContaining({ code: "DROVER_TIMEOUT" }) as unknown
  expect(reasons).toEqual([timeout, { ok: false, error: timeout }])
  expect(clock.pending).toBe(0)
})

test("what an attempt that was left behind does later changes nothing and is not unhandled", async () => {
  const clock = new ManualClock()
  const late = Promise.withResolvers<string>()
  const running = retry(({ attempt }) => (attempt === 1 ? late.promise : "second"), {
    ...plain,
    clock,
    timeout: 50,
  })
  await clock.advance(200)
  late.reject(new Error("late"))
  expect(await running).toBe("second")
})

test("an abort in a wait rejects with exactly the signal's reason, and leaves no timer and no listener", async () => {
  for (const reason of [new Shutdown("bye"), "text", null, 0]) {
    const abort = new AbortController()
    const { clock, at, outcome } = world([failure], { signal: abort.signal })
    await clock.settle()
    expect(clock.pending).toBe(1)
    abort.abort(reason)
    const { error } = (await outcome) as { error: unknown }
    expect(error).toBe(reason)
    expect(clock.pending).toBe(0)
    expect(getEventListeners(abort.signal, "abort")).toEqual([])
    expect(at).toEqual([0])
  }
})

test("an abort in an attempt that ignores its signal rejects at once with the reason", async () => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const onGiveUp = vi.fn<() => void>()
  let own: AbortSignal | undefined
  const running = retry(
    ({ signal }) => {
      own = signal
      return new Promise<never>(() => {})
    },
    { ...plain, clock, signal: abort.signal, timeout: "1m", maxAttempts: 1, onGiveUp },
  )
  await clock.settle()
  const reason = new Shutdown("bye")
  abort.abort(reason)
  await expect(running).rejects.toBe(reason)
  expect(own?.reason).toBe(reason)
  expect(clock.pending).toBe(0)
  expect(getEventListeners(abort.signal, "abort")).toEqual([])
  expect(onGiveUp).not.toHaveBeenCalled()
})

test("the reason wins over what the attempt throws because of the abort", async () => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const running = retry(
    ({ signal }) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(new Error("my own")))
      }),
    { ...plain, clock, signal: abort.signal },
  )
  await clock.settle()
  abort.abort("reason")
  await expect(running).rejects.toBe("reason")
})

test("a signal that is aborted already lets no attempt begin", async () => {
  const { outcome, at } = world(["x"], { signal: AbortSignal.abort("before") })
  expect(await outcome).toEqual({ error: "before" })
  expect(at).toEqual([])
})

test("after a success nothing is left on the signal and no timer waits", async () => {
  const abort = new AbortController()
  const { clock, outcome } = world([failure, "done"], {
    signal: abort.signal,
    timeout: "1m",
    deadline: "1h",
  })
  await clock.advance(100)
  expect(await outcome).toEqual({ value: "done" })
  expect(getEventListeners(abort.signal, "abort")).toEqual([])
  expect(clock.pending).toBe(0)
})

test("a server's hint is a floor for the wait, also above the cap", async () => {
  const busy = Object.assign(new Error("busy"), { retryAfterMs: 5_000 })
  const { clock, at, outcome } = world([busy, failure, "done"], { cap: "1s" })
  await clock.advance(5_100)
  expect(await outcome).toEqual({ value: "done" })
  expect(at).toEqual([0, 5_000, 5_100])
})

test("a hint beyond the deadline ends it at once, with the reason", async () => {
  const { clock, outcome } = world([failure], { retryAfter: () => "10s", deadline: "10s" })
  await clock.settle()
  expect(await outcome).toMatchObject({
    error: { code: "DROVER_DEADLINE", attempts: 1, cause: failure },
  })
  expect(clock.monotonic()).toBe(0)
})

test("a classifier may pass on a server's hint, and odd hints on errors are no hints", async () => {
  const { clock, at } = world([
    failure,
    Object.assign(new Error("odd"), { retryAfterMs: -1 }),
    "done",
  ])
  await clock.advance(1_000)
  expect(at).toEqual([0, 100, 200])
  const hinted = world([failure, "done"], {
    classify: (outcome) => (outcome.ok ? "stop" : { retryAfter: "3s" }),
  })
  await hinted.clock.advance(3_000)
  expect(hinted.at).toEqual([0, 3_000])
})

test("a hint without any measure is a year at the most, never an error that hides the real one", async () => {
  for (const retryAfterMs of [1e300, Infinity]) {
    const busy = Object.assign(new Error("busy"), { retryAfterMs })
    const delays: number[] = []
    const { clock, outcome } = world([busy, "done"], {
      onRetry: ({ delayMs }) => delays.push(delayMs),
    })
    await clock.advance(365 * 86_400_000)
    expect(await outcome).toEqual({ value: "done" })
    expect(delays).toEqual([365 * 86_400_000])
    const bounded = world([busy], { deadline: "1m" })
    expect(await bounded.outcome).toMatchObject({ error: { code: "DROVER_DEADLINE", cause: busy } })
  }
})

test("onRetry is told before every wait, and what it throws ends the retry", async () => {
  const notices: unknown[] = []
  const told = world([failure, "done"], { onRetry: (notice) => notices.push(notice) })
  await told.clock.advance(100)
  expect(notices).toEqual([{ attempt: 1, outcome: { ok: false, error: failure }, delayMs: 100 }])
  const enough = new Error("enough")
  const ended = world([failure], {
    onRetry: () => {
      throw enough
    },
  })
  const { error } = (await ended.outcome) as { error: unknown }
  expect(error).toBe(enough)
})

test("decorrelated waits grow from what was drawn, not from what a server asked for", async () => {
  const busy = Object.assign(new Error("busy"), { retryAfterMs: 1_000_000 })
  const delays: number[] = []
  const { clock } = world([busy], {
    jitter: "decorrelated",
    base: 10,
    cap: "1h",
    maxAttempts: 3,
    onRetry: ({ delayMs }) => delays.push(delayMs - 1_000_000),
  })
  await clock.advance(5_000_000)
  expect(delays[0]).toBeLessThanOrEqual(30)
  expect(delays[1]).toBeLessThanOrEqual(90)
})

test("no limit of attempts goes on, at the cap, for ever", async () => {
  const { clock, at } = world([failure], { maxAttempts: false })
  await clock.advance(100 * 299)
  expect(at).toHaveLength(300)
})

test("wrong options reject, and nothing is attempted", async () => {
  const run = vi.fn<() => void>()
  await expect(retry(run, { retries: 3 } as RetryOptions<void>)).rejects.toThrow(
    'no option "retries"',
  )
  await expect(retry(run, { timeout: "soon" })).rejects.toThrow("retry.timeout")
  await expect(retry(run, { classify: () => "retry", retryIf: () => true })).rejects.toThrow(
    "classify decides alone",
  )
  expect(run).not.toHaveBeenCalled()
})

test.each([
  ["120", 120_000],
  [" 0 ", 0],
  ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
  ["Wed, 31 Dec 2025 23:59:59 GMT", 0],
  [null, undefined],
  [undefined, undefined],
  ["", undefined],
  ["soon", undefined],
  ["-5", undefined],
  ["1.5", undefined],
  ["99999999999999", undefined],
])("the header Retry-After: %s means %s ms", (value, ms) => {
  expect(retryAfterHeaderMs(value, new ManualClock())).toBe(ms)
})
