import { parseDuration } from "../../time/index.ts"
import type { Duration } from "../../time/index.ts"

const MAX_REASON = 1_000

// From the global registry, so that outcomes of another copy of the package are recognised.
const brand: unique symbol = Symbol.for("drover.outcome") as never

/** Run again later; costs no failure. */
export interface Snooze {
  readonly [brand]: "snooze"
  readonly delayMs: number
  readonly reason: string | null
}

/** End the job as cancelled. */
export interface Cancel {
  readonly [brand]: "cancel"
  readonly reason: string
}

/** End the job as discarded, without further attempts. */
export interface Discard {
  readonly [brand]: "discard"
  readonly reason: string
  /** What led to it, if anything. */
  readonly error: unknown
}

/** Fail this attempt and run again after a wait that the handler chose instead of the policy. */
export interface RetryIn {
  readonly [brand]: "retryIn"
  readonly delayMs: number
  /** What led to it, if anything. */
  readonly error: unknown
}

/** What a handler may return, or throw from deep inside, instead of a result. */
export type Outcome = Snooze | Cancel | Discard | RetryIn

/** The result type of a handler: what it returns, without the outcomes. */
export type ResultOf<Return> = Exclude<Awaited<Return>, Outcome>

/**
 * Asks for another run after `delay`. The attempt counts as neither success nor failure.
 * @throws DroverError `DROVER_CONFIG` when the delay is not a duration.
 */
export function snooze(
  options: Duration | { readonly delay: Duration; readonly reason?: string },
): Snooze {
  const { delay, reason = null } = typeof options === "object" ? options : { delay: options }
  return Object.freeze({
    [brand]: "snooze",
    delayMs: wholeMs(delay, "snooze.delay"),
    reason: reason === null ? null : storable(reason),
  } as const)
}

/** Ends the job as cancelled: nobody wants it any more. @param reason for people; the first 1000 characters are kept. */
export function cancel(reason: string): Cancel {
  return Object.freeze({ [brand]: "cancel", reason: storable(reason) } as const)
}

/** Ends the job as discarded: no further attempt can help. @param reason for people; the first 1000 characters are kept. */
export function discard(reason: string, error?: unknown): Discard {
  return Object.freeze({ [brand]: "discard", reason: storable(reason), error } as const)
}

/**
 * Fails this attempt (it counts against `maxAttempts`) and asks for the next one after `delay` instead of
 * the policy's backoff, as when a server said how long to wait.
 * @throws DroverError `DROVER_CONFIG` when the delay is not a duration.
 */
export function retryIn(delay: Duration, error?: unknown): RetryIn {
  return Object.freeze({
    [brand]: "retryIn",
    delayMs: wholeMs(delay, "retryIn.delay"),
    error,
  } as const)
}

/** Says which outcome a value is, or `null` for everything else. Never throws. */
export function outcomeOf(value: unknown): Outcome | null {
  return outcomeType(value) === null ? null : (value as Outcome)
}

/** The name of an outcome, or `null` for a value that is none. Never throws, whatever the value. */
export function outcomeType(value: unknown): "snooze" | "cancel" | "discard" | "retryIn" | null {
  if (typeof value !== "object" || value === null) return null
  try {
    return (value as Partial<Outcome>)[brand] ?? null
  } catch {
    // A proxy. It is not one of ours.
    return null
  }
}

function wholeMs(delay: Duration, name: string): number {
  return Math.ceil(parseDuration(delay, name))
}

// A store that refused the reason would refuse the whole settlement, and the job would end as something else.
function storable(reason: unknown): string {
  const text = typeof reason === "string" ? reason : textOf(reason)
  return text.slice(0, MAX_REASON).replaceAll("\0", "").toWellFormed()
}

// What TypeScript would not let through; an error says most.
function textOf(reason: unknown): string {
  try {
    return reason instanceof Error ? `${reason.name}: ${reason.message}` : ""
  } catch {
    return ""
  }
}
