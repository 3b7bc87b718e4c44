/** Operations that change nothing. */
export const reads = [
  "migrations",
  "now",
  "peek",
  "get",
  "finished",
  "list",
  "count",
  "trail",
  "trailAfter",
  "log",
  "queueCounts",
  "workers",
  "nextLeaseEndMs",
  "doctor",
  "queueSettings",
  "leader",
  "samples",
  "scheduleChanges",
  "scheduleTicks",
  "dueSchedules",
  "schedule",
  "schedules",
  "limits",
] as const

/** Operations whose reply can be lost after they were carried out. */
export const writes = [
  "migrate",
  "enqueue",
  "transaction",
  "registerWorker",
  "beat",
  "retireWorker",
  "exchange",
  "progress",
  "appendLog",
  "rescue",
  "expire",
  "prune",
  "edit",
  "act",
  "setQueue",
  "bid",
  "renewTerm",
  "resignTerm",
  "claimTurn",
  "clean",
  "addSamples",
  "triggerSchedule",
  "tickSchedules",
  "removeSchedule",
  "changeSchedule",
  "deploySchedules",
  "reconcileLimits",
  "setLimit",
  "declareLimits",
] as const

/** An operation of a store that crosses the gap in which faults strike. */
export type Operation = (typeof reads)[number] | (typeof writes)[number]

const writing: ReadonlySet<string> = new Set(writes)

export function isWrite(op: string): boolean {
  return writing.has(op)
}
