import { Cancelled, LeaseLost, Shutdown, Timeout } from "../../../errors/index.ts"
import type { AbortReason } from "../../../errors/index.ts"
import { describeError, reviveError } from "../../../store/index.ts"
import type { ClaimedJob, LogLine, StoredError } from "../../../store/index.ts"
import { cancel, discard, retryIn, snooze } from "../../define/outcome.ts"
import type { Outcome } from "../../define/outcome.ts"
import type { Ending } from "../decide.ts"

/** What a child is told when it is made. */
export interface ChildSetup {
  readonly kind: string
  /** URL of the module that exports the definition. */
  readonly module: string
}

/** To a child. It runs one attempt at a time, so messages need not say which. */
export type ToChild =
  | { readonly type: "run"; readonly claimed: ClaimedJob; readonly payloadLimit: number }
  | { readonly type: "abort"; readonly code: AbortReason["code"]; readonly message: string }

/** From a child. */
export type FromChild =
  | { readonly type: "ready" }
  /** It cannot run the kind: the module fails, or does not export the definition. */
  | { readonly type: "refused"; readonly error: StoredError }
  | {
      readonly type: "log"
      readonly level: LogLine["level"]
      readonly message: string
      /** JSON text. */
      readonly fields: string | null
    }
  /** So many lines more were not worth sending. */
  | { readonly type: "dropped"; readonly lines: number }
  | { readonly type: "progress"; readonly value: string }
  | {
      readonly type: "ended"
      readonly ending: WireEnding
      readonly signalRead: boolean
      /** The child's code is broken (a stray error): it must not run another attempt. */
      readonly spent: boolean
    }

/** An ending that survives the way between two threads or processes. */
export type WireEnding =
  | { readonly how: "returned"; readonly result: string | null }
  | { readonly how: "snooze"; readonly delayMs: number; readonly reason: string | null }
  | { readonly how: "cancel"; readonly reason: string }
  | { readonly how: "discard"; readonly reason: string; readonly error: StoredError | null }
  | { readonly how: "retryIn"; readonly delayMs: number; readonly error: StoredError | null }
  | { readonly how: "threw" | "refused"; readonly error: StoredError; readonly again?: boolean }

/** Packs an ending. */
export function packEnding(ending: Ending): WireEnding {
  if (ending.how === "returned") return ending
  return ending.how === "outcome"
    ? packOutcome(ending.outcome)
    : {
        how: ending.how === "refused" ? "refused" : "threw",
        error: describeError(ending.error),
        ...("again" in ending && ending.again !== undefined && { again: ending.again }),
      }
}

function packOutcome(outcome: Outcome): WireEnding {
  const error =
    "error" in outcome && outcome.error !== undefined ? describeError(outcome.error) : null
  if (!("delayMs" in outcome)) {
    return "error" in outcome
      ? { how: "discard", reason: outcome.reason, error }
      : { how: "cancel", reason: outcome.reason }
  }
  const { delayMs } = outcome
  return "reason" in outcome
    ? { how: "snooze", delayMs, reason: outcome.reason }
    : { how: "retryIn", delayMs, error }
}

/** Unpacks an ending: the same outcome, the error as an `Error` with its name, code and stack. */
export function unpackEnding(wire: WireEnding): Ending {
  switch (wire.how) {
    case "returned":
      return wire
    case "threw":
      return {
        how: "threw",
        error: reviveError(wire.error),
        ...(wire.again !== undefined && { again: wire.again }),
      }
    case "refused":
      return { how: "refused", error: reviveError(wire.error) }
    case "snooze": {
      const { delayMs: delay, reason } = wire
      return { how: "outcome", outcome: snooze(reason === null ? delay : { delay, reason }) }
    }
    case "cancel":
      return { how: "outcome", outcome: cancel(wire.reason) }
    case "discard":
      return { how: "outcome", outcome: discard(wire.reason, reviveOr(wire.error)) }
    case "retryIn":
      return { how: "outcome", outcome: retryIn(wire.delayMs, reviveOr(wire.error)) }
  }
}

/** The reason of an abort, as the class that the handler's code tests for. */
export function unpackReason(code: AbortReason["code"], message: string): AbortReason {
  switch (code) {
    case "DROVER_TIMEOUT":
      return new Timeout(message)
    case "DROVER_CANCELLED":
      return new Cancelled(message)
    case "DROVER_LEASE_LOST":
      return new LeaseLost(message)
    default:
      return new Shutdown(message)
  }
}

function reviveOr(error: StoredError | null): Error | undefined {
  return error === null ? undefined : reviveError(error)
}
