import { describe, expect, test } from "vitest"
import { Cancelled, DroverError, Shutdown, Timeout } from "../../errors/index.ts"
import type { AbortReason } from "../../errors/index.ts"
import { resolveRetryPolicy } from "../../retry/index.ts"
import type { RetryPolicy } from "../../retry/index.ts"
import { SeededRng } from "../../time/index.ts"
import type { RetryIf } from "../define/jobRetry.ts"
import { cancel, discard, retryIn, snooze } from "../define/outcome.ts"
import { decide, outcomeEnding } from "./decide.ts"
import type { Ending } from "./decide.ts"

const fixed = resolveRetryPolicy({ backoff: "fixed", base: "2s", jitter: "none" })
const timeout = new Timeout("too slow")
const cancelled = new Cancelled("nobody wants it")
const shutdown = new Shutdown("deploy")
const boom = new Error("boom")
const crash = new DroverError("DROVER_CRASHED", "the thread of a died")

const nothing: Ending = { how: "returned", result: null }
const something: Ending = { how: "returned", result: "1" }
const threw: Ending = { how: "threw", error: boom }

function settle(
  ending: Ending,
  abort: AbortReason | null = null,
  more: {
    readonly signalRead?: boolean
    readonly failures?: number
    readonly maxAttempts?: number
    readonly policy?: RetryPolicy
    readonly retryIf?: RetryIf
  } = {},
): ReturnType<typeof decide> {
  const { failures = 0, maxAttempts = 25, policy = fixed, signalRead = true } = more
  return decide(ending, {
    claimed: { failures, maxAttempts },
    policy,
    retryIf: more.retryIf ?? null,
    rng: new SeededRng(1),
    abort,
    signalRead,
  })
}

function outcome(value: unknown): Ending {
  const ending = outcomeEnding(value)
  if (ending === null) throw new Error("not an outcome")
  return ending
}

describe("a handler that was not aborted decides itself", () => {
  test.each([
    ["a return without a value completes", nothing, { to: "completed", result: null }],
    ["a return with a value completes with it", something, { to: "completed", result: "1" }],
    ["a throw is retried after the policy's delay", threw, { to: "retryable", delayMs: 2_000 }],
    [
      "a snooze waits and counts nothing",
      outcome(snooze({ delay: "5s", reason: "busy" })),
      { to: "snoozed", delayMs: 5_000, reason: "busy" },
    ],
    ["a cancel ends the job", outcome(cancel("gone")), { to: "cancelled", reason: "gone" }],
    [
      "a discard ends the job without a failure",
      outcome(discard("bad", boom)),
      { to: "discarded", reason: "bad", failed: false },
    ],
    [
      "a retryIn fails with its own delay",
      outcome(retryIn("9s", boom)),
      { to: "retryable", delayMs: 9_000 },
    ],
    [
      "an invalid stored input is discarded without a failure",
      { how: "refused", error: boom } as Ending,
      { to: "discarded", reason: "input is not valid", failed: false },
    ],
    [
      "a dead child is a crash",
      { how: "crashed", error: crash } as Ending,
      { to: "crashed", reason: "the thread of a died" },
    ],
  ])("%s", (_rule, ending, expected) => {
    expect(settle(ending)).toMatchObject(expected)
  })

  test("the failure that spends the last attempt discards the job, also with a retryIn", () => {
    for (const ending of [threw, outcome(retryIn("9s"))]) {
      expect(settle(ending, null, { failures: 2, maxAttempts: 3 })).toMatchObject({
        to: "discarded",
        failed: true,
        reason: "failed 3 of 3 times",
      })
    }
    expect(settle(threw, null, { failures: 1, maxAttempts: 3 })).toMatchObject({ to: "retryable" })
  })

  test("a policy that throws or gives nonsense falls back to the default one", () => {
    const throws = resolveRetryPolicy({
      delay: () => {
        throw new Error("policy")
      },
    })
    const broken = { backoff: "fixed" } as unknown as RetryPolicy
    for (const policy of [throws, broken]) {
      const settlement = settle(threw, null, { policy })
      expect(settlement).toMatchObject({ to: "retryable" })
      expect((settlement as { delayMs: number }).delayMs).toBeLessThanOrEqual(1_000)
    }
  })
})

describe("retryIf says which failures are worth another attempt", () => {
  const never: RetryIf = () => false

  test("a job whose error is not is discarded at once, as a failure with that error", () => {
    const retryIf: RetryIf = (error) => error !== boom
    expect(settle(threw, null, { retryIf })).toMatchObject({
      to: "discarded",
      reason: "not worth another attempt, says retryIf",
      failed: true,
      error: { message: "boom" },
    })
    const other: Ending = { how: "threw", error: new Error("another") }
    expect(settle(other, null, { retryIf })).toMatchObject({ to: "retryable", delayMs: 2_000 })
  })

  test("it is asked about timeouts, and told so by their class", () => {
    const retryIf: RetryIf = (error) => !(error instanceof Timeout)
    expect(settle(nothing, timeout, { retryIf })).toMatchObject({ to: "discarded", failed: true })
  })

  test("it has no say where a handler asks to run again, is stopped, or dies", () => {
    const more = { retryIf: never }
    expect(settle(outcome(retryIn("9s", boom)), null, more)).toMatchObject({ to: "retryable" })
    expect(settle(threw, shutdown, more)).toMatchObject({ to: "interrupted" })
    expect(settle({ how: "crashed", error: crash }, null, more)).toMatchObject({ to: "crashed" })
  })

  test("after the last attempt the attempts are the reason", () => {
    const more = { retryIf: never, failures: 2, maxAttempts: 3 }
    expect(settle(threw, null, more)).toMatchObject({ reason: "failed 3 of 3 times" })
  })

  test("one that fails, waits or answers nonsense lets the job run again, and its error says so", () => {
    const broken: readonly (readonly [unknown, string])[] = [
      [() => "no", 'answered with "no"'],
      [() => Promise.reject(new Error("late")), "answered with a promise"],
      [
        () => {
          throw new Error("typo")
        },
        "threw: typo",
      ],
    ]
    for (const [retryIf, why] of broken) {
      const settlement = settle(threw, null, { retryIf: retryIf as RetryIf })
      expect(settlement).toMatchObject({ to: "retryable", error: { cause: { message: "boom" } } })
      expect((settlement as { error: { message: string } }).error.message).toContain(why)
    }
  })
})

describe("after an abort the reason decides", () => {
  test("whatever follows a timeout is a failure, with what was thrown as its cause", () => {
    for (const ending of [
      nothing,
      something,
      threw,
      outcome(snooze("1s")),
      { how: "crashed", error: crash } as Ending,
    ]) {
      expect(settle(ending, timeout)).toMatchObject({
        to: "retryable",
        error: { code: "DROVER_TIMEOUT" },
      })
    }
    expect(settle(threw, timeout)).toMatchObject({ error: { cause: { message: "boom" } } })
    expect(settle({ how: "threw", error: timeout }, timeout)).not.toHaveProperty("error.cause")
  })

  test("a cancelled handler that returns has completed; everything else cancels", () => {
    expect(settle(something, cancelled)).toMatchObject({ to: "completed", result: "1" })
    expect(settle(nothing, cancelled)).toMatchObject({ to: "completed" })
    for (const ending of [
      threw,
      outcome(snooze("1s")),
      outcome(retryIn("1s")),
      { how: "crashed", error: crash } as Ending,
    ]) {
      expect(settle(ending, cancelled)).toMatchObject({
        to: "cancelled",
        reason: "nobody wants it",
      })
    }
    expect(settle(threw, cancelled)).toMatchObject({ error: { message: "boom" } })
    expect(settle({ how: "threw", error: cancelled }, cancelled)).toMatchObject({ error: null })
  })

  test("at a shutdown a result is kept, and a return that may be due to the signal is not", () => {
    expect(settle(something, shutdown)).toMatchObject({ to: "completed" })
    expect(settle(nothing, shutdown, { signalRead: false })).toMatchObject({ to: "completed" })
    expect(settle(nothing, shutdown, { signalRead: true })).toMatchObject({ to: "interrupted" })
  })

  test("everything else at a shutdown is handed back and costs nothing", () => {
    for (const ending of [
      threw,
      outcome(snooze("1s")),
      outcome(discard("x")),
      { how: "crashed", error: crash } as Ending,
    ]) {
      expect(settle(ending, shutdown, { failures: 24 })).toMatchObject({
        to: "interrupted",
        reason: "deploy",
      })
    }
  })
})
