import { answeredAtOnce, assert, unreachable } from "../errors/index.ts"
import { parseDuration, randomBelow } from "../time/index.ts"
import type { Rng } from "../time/index.ts"
import type { Jitter, RetryPolicy } from "./policy.ts"

// A chain of decorrelated draws has long reached the spread that it keeps: further ones change nothing.
const MOST_DRAWS = 1_000

/** What is known when a delay is drawn, beside the attempt and the policy. */
export interface DelayContext {
  /**
   * The delay that `retryDelayMs` gave last time; only `decorrelated` jitter reads it. Where nobody remembers it, as
   * between the attempts of a job, the delays that may have gone before are drawn anew.
   */
  readonly previousDelayMs?: number | undefined
  /** What the last attempt failed with, for a `custom` policy. */
  readonly error?: unknown
}

/**
 * How long to wait after the `attempt`-th failure: the policy's backoff, capped, then jitter.
 * @param attempt how many attempts have failed, 1 for the first. Any size: nothing overflows.
 * @returns whole milliseconds in [0, capMs].
 * @throws what a custom policy's `delay` throws; asserts `attempt >= 1`.
 */
export function retryDelayMs(
  attempt: number,
  policy: RetryPolicy,
  rng: Rng,
  context: DelayContext = {},
): number {
  assert(Number.isSafeInteger(attempt) && attempt >= 1, `attempt must be 1 or more, got ${attempt}`)
  const { jitter, capMs } = policy
  if (jitter === "decorrelated") {
    return decorrelated(
      policy,
      rng,
      context.previousDelayMs ?? likelyPrevious(attempt, policy, rng),
    )
  }
  const delayMs = backoffMs(attempt, policy, context.error)
  if (jitter === "none") return Math.floor(delayMs)
  if (jitter === "full") return uniform(rng, 0, delayMs)
  if (jitter === "equal") return uniform(rng, delayMs / 2, delayMs)
  return uniform(rng, delayMs * (1 - jitter), Math.min(capMs, delayMs * (1 + jitter)))
}

function decorrelated({ baseMs, capMs }: RetryPolicy, rng: Rng, previousMs: number): number {
  // The cap bounds the range, not the draw: cutting the draw off would heap a crowd up at the cap.
  return uniform(rng, baseMs, Math.min(capMs, Math.max(baseMs, 3 * previousMs)))
}

// A delay as likely as any that a caller with a memory would have had before this attempt.
function likelyPrevious(attempt: number, policy: RetryPolicy, rng: Rng): number {
  let previousMs = policy.baseMs
  const steps = Math.min(attempt - 1, MOST_DRAWS)
  for (let step = 0; step < steps; step++) previousMs = decorrelated(policy, rng, previousMs)
  return previousMs
}

/** The delay without jitter: grows with the attempt up to the cap, and never shrinks unless it is custom. */
export function backoffMs(attempt: number, policy: RetryPolicy, error?: unknown): number {
  const { baseMs, factor, capMs } = policy
  switch (policy.backoff) {
    case "fixed":
      return Math.min(capMs, baseMs)
    case "linear":
      return Math.min(capMs, baseMs * attempt)
    case "exponential":
      // Beyond the range of a number the power is Infinity, which the cap makes harmless; 0 x Infinity would not be.
      return baseMs === 0 ? 0 : Math.min(capMs, baseMs * factor ** (attempt - 1))
    case "custom":
      assert(policy.delay !== undefined, "a custom policy has a delay function")
      return Math.min(
        capMs,
        parseDuration(answeredAtOnce(policy.delay({ attempt, error })), "retry.delay"),
      )
    default:
      return unreachable(policy.backoff, "retry backoff")
  }
}

/**
 * The wait when a server asked for at least `floorMs` and only `leftMs` are left.
 *
 * All whom a server sent away until the same instant would come back together, so unless the policy has no
 * jitter, the drawn wait is added to the floor when it is shorter, as far as there is time.
 * @returns whole milliseconds, or `undefined` when the wait would outlast the time left.
 */
export function delayWithFloor(
  drawnMs: number,
  bounds: { readonly floorMs: number; readonly leftMs: number; readonly jitter: Jitter },
  rng: Rng,
): number | undefined {
  const { leftMs, jitter } = bounds
  const floorMs = Math.ceil(bounds.floorMs)
  if (floorMs === 0 || jitter === "none") {
    const waitMs = Math.max(drawnMs, floorMs)
    return waitMs < leftMs ? waitMs : undefined
  }
  if (floorMs >= leftMs) return undefined
  const spreadMs = drawnMs < floorMs ? drawnMs : drawnMs - floorMs
  const roomMs = leftMs - floorMs
  return floorMs + (spreadMs < roomMs ? spreadMs : randomBelow(rng, roomMs))
}

// A whole number in [low, high], each equally likely. The bounds are rounded inwards.
function uniform(rng: Rng, lowMs: number, highMs: number): number {
  const low = Math.ceil(lowMs)
  const high = Math.floor(highMs)
  return high <= low
    ? Math.min(low, Math.floor(highMs))
    : low + Math.floor(rng.next() * (high - low + 1))
}
