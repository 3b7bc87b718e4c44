import { expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import { defaultRetryPolicy, resolveRetryPolicy } from "./index.ts"
import type { RetryPolicyOptions } from "./index.ts"

test("the default doubles from 1 s up to 1 h, with full jitter, for 25 attempts", () => {
  expect(resolveRetryPolicy()).toEqual(defaultRetryPolicy)
  expect(defaultRetryPolicy).toEqual({
    backoff: "exponential",
    baseMs: 1_000,
    factor: 2,
    capMs: 3_600_000,
    jitter: "full",
    maxAttempts: 25,
  })
  expect(Object.isFrozen(defaultRetryPolicy)).toBe(true)
})

test("durations may be texts, and what is left out comes from the defaults", () => {
  const policy = resolveRetryPolicy({ base: "250ms", cap: "5m", jitter: 0.2, maxAttempts: false })
  expect(policy).toEqual({
    ...defaultRetryPolicy,
    baseMs: 250,
    capMs: 300_000,
    jitter: 0.2,
    maxAttempts: false,
  })
  expect(Object.isFrozen(policy)).toBe(true)
})

test("a job's own options override the policy of its kind", () => {
  const kind = resolveRetryPolicy({
    backoff: "linear",
    base: "10s",
    jitter: "equal",
    maxAttempts: 4,
  })
  expect(resolveRetryPolicy({ maxAttempts: 9 }, kind)).toEqual({ ...kind, maxAttempts: 9 })
  const custom = resolveRetryPolicy({ delay: () => "7s" })
  expect(resolveRetryPolicy({ maxAttempts: 2 }, custom)).toMatchObject({
    backoff: "custom",
    maxAttempts: 2,
  })
  expect(resolveRetryPolicy({ backoff: "fixed" }, custom)).toMatchObject({ backoff: "fixed" })
  expect(resolveRetryPolicy({ backoff: "fixed" }, custom)).not.toHaveProperty("delay")
})

test("all policies but custom survive JSON, as options and as policies", () => {
  for (const backoff of ["exponential", "fixed", "linear"] as const) {
    for (const jitter of ["full", "equal", "decorrelated", "none", 0.5] as const) {
      const options: RetryPolicyOptions = { backoff, jitter, base: "3s", maxAttempts: false }
      const policy = resolveRetryPolicy(options)
      expect(JSON.parse(JSON.stringify(policy))).toEqual(policy)
      expect(resolveRetryPolicy(JSON.parse(JSON.stringify(options)) as RetryPolicyOptions)).toEqual(
        policy,
      )
    }
  }
})

test("a custom delay is taken as it is unless a jitter is asked for", () => {
  expect(resolveRetryPolicy({ delay: () => 5 })).toMatchObject({
    backoff: "custom",
    jitter: "none",
  })
  expect(resolveRetryPolicy({ delay: () => 5, jitter: "full" })).toMatchObject({ jitter: "full" })
})

test.each<[Record<string, unknown>, string]>([
  [{ maxAttempt: 3 }, 'did you mean "maxAttempts"?'],
  [{ backoff: "exponental" }, "backoff"],
  [{ base: "-1s" }, "base"],
  [{ base: "2h" }, "cap"],
  [{ cap: "10ms" }, "cap"],
  [{ factor: 0.9 }, "factor"],
  [{ factor: Number.NaN }, "factor"],
  [{ factor: Infinity }, "factor"],
  [{ jitter: "some" }, "jitter"],
  [{ jitter: 0 }, "jitter"],
  [{ jitter: 1.1 }, "jitter"],
  [{ jitter: Number.NaN }, "jitter"],
  [{ maxAttempts: 0 }, "maxAttempts"],
  [{ maxAttempts: 2.5 }, "maxAttempts"],
  [{ maxAttempts: Infinity }, "maxAttempts"],
  [{ maxAttempts: true }, "maxAttempts"],
  [{ backoff: "custom" }, "delay"],
  [{ backoff: "fixed", delay: () => 5 }, "delay"],
  [{ delay: 5 }, "delay"],
  [{ delay: () => 5, jitter: "decorrelated" }, "decorrelated"],
])("the options %o are refused, and the message names the option", (options, part) => {
  let thrown: unknown
  try {
    resolveRetryPolicy(options, undefined, "jobs.mail.retry")
  } catch (error) {
    thrown = error
  }
  expect(isDroverError(thrown, "DROVER_CONFIG")).toBe(true)
  expect(String(thrown)).toContain(part)
  expect(String(thrown)).toContain("jobs.mail.retry")
})
