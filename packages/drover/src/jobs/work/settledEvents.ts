import { reviveError } from "../../store/index.ts"
import type { Events } from "../../events/index.ts"
import type { SettleStatus, Settlement } from "../../store/index.ts"
import type { EndedAttempt } from "./attemptHost.ts"

/**
 * Tells what became of an attempt, once the store has said what it wrote. Nothing is built that nobody wants to
 * hear: this runs for every job.
 */
export function emitSettled(events: Events, ended: EndedAttempt, status: SettleStatus): void {
  const { attempt } = ended
  const { jobId } = attempt
  // What the handler did after its own transaction had been committed is no news about the job.
  if (ended.joined !== undefined && status === "repeated") {
    const { joined, ...rest } = ended
    emitSettled(events, { ...rest, settlement: joined }, "settled")
    return
  }
  const { settlement } = ended
  if (status === "fenced") {
    events.emit("job.fenced", { jobId, attempt: attempt.attempt, operation: "settle" })
    return
  }
  if (settlement.to === "completed") {
    if (!events.wanted("job.completed")) return
    events.emit("job.completed", {
      ...identity(ended),
      durationMs: ended.endedMono - ended.startedMono,
    })
    return
  }
  emitUnfinished(events, ended, settlement)
  emitEnd(events, ended, status)
}

function emitUnfinished(events: Events, ended: EndedAttempt, settlement: Settlement): void {
  const failures = ended.attempt.failures + 1
  switch (settlement.to) {
    case "retryable":
      events.emit("job.failed", {
        ...identity(ended),
        error: reviveError(settlement.error),
        failures,
        retryInMs: settlement.delayMs,
      })
      return
    case "discarded":
      if (!settlement.failed || settlement.error === null) return
      events.emit("job.failed", {
        ...identity(ended),
        error: reviveError(settlement.error),
        failures,
        retryInMs: false,
      })
      return
    case "snoozed":
      events.emit("job.snoozed", { ...identity(ended), delayMs: settlement.delayMs })
      return
    case "crashed":
      events.emit("job.crashed", { ...identity(ended), reason: settlement.reason })
      return
    case "interrupted":
      events.emit("job.interrupted", { ...identity(ended), reason: settlement.reason })
      return
    case "completed":
    case "cancelled":
  }
}

// The store may have ended a job that would have waited: a cancel was requested, a budget was spent.
function emitEnd(events: Events, ended: EndedAttempt, status: SettleStatus): void {
  const { settlement } = ended
  if (settlement.to === "cancelled" || status === "cancelled") {
    events.emit("job.cancelled", identity(ended))
  } else if (settlement.to === "discarded" || status === "discarded") {
    const reason =
      "reason" in settlement && settlement.reason !== null
        ? settlement.reason
        : "ended by the store"
    const error =
      "error" in settlement && settlement.error !== null
        ? { error: reviveError(settlement.error) }
        : {}
    events.emit("job.discarded", { ...identity(ended), reason, ...error })
  }
}

function identity({ attempt }: EndedAttempt): {
  readonly jobId: string
  readonly kind: string
  readonly queue: string
  readonly attempt: number
} {
  const { jobId, kind, queue } = attempt
  return { jobId, kind, queue, attempt: attempt.attempt }
}
