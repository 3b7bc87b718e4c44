import type { Sometimes } from "../checks/sometimes.ts"
import { reads, writes } from "../faults/operations.ts"

// Called by nobody in a run: the schema is made before it begins.
const UNUSED = new Set(["migrate"])
// Of these a fault is drawn by name; the others meet "any".
const LOSABLE = [
  "enqueue",
  "exchange",
  "beat",
  "progress",
  "appendLog",
  "rescue",
  "expire",
  "prune",
]
const LOSABLE_BY_OPERATORS = ["act", "edit", "setQueue", "registerWorker", "retireWorker"]

/**
 * What a full run must have met at least once. A simulator that never reaches the interesting states proves
 * nothing, however many seeds it runs.
 */
export const mustMeet: readonly string[] = [
  ...[...reads, ...writes].filter((op) => !UNUSED.has(op)).map((op) => `${op} succeeded`),
  ...[...LOSABLE, ...LOSABLE_BY_OPERATORS].map((op) => `the reply of ${op} was lost`),
  "a batch held a duplicate",
  "a cancel lost its race",
  "a cancel won its race",
  "a clock jump was noticed",
  "a handler was stuck",
  "a herd failed at one instant",
  "a job expired",
  "a job of a dead process was rescued",
  "a job ran alone after a crash",
  "a job started with its enqueue",
  "a job that came back found its unique key taken",
  "a job took its process with it",
  "a job was interrupted",
  "a job was rescued",
  "a lease was lost",
  "a lease was regained",
  "a lost claim was found again",
  "a new attempt ran beside a superseded one",
  "a process died inside a transaction",
  "a bid was sent again and was the same term",
  "a client stood back",
  "a key had all the turns that others left it",
  "a running job was asked to stop",
  "a schedule was given another timing",
  "a stall was noticed",
  "a stop came during a claim",
  "a store recovered",
  "a superseded attempt was told so",
  "a term was given back",
  "a tick that waited became a job",
  "a term was lost",
  "a worker stopped cleanly",
  "an enqueue was duplicate",
  "an enqueue was enqueued",
  "an enqueue was repeated",
  "an enqueue was replaced",
  "a job was held back by concurrency",
  "a job was held back by keyed concurrency",
  "a job was held back by keyed rate",
  "a job was held back by rate",
  "a limit was lowered",
  "a limit was opened by a rescue",
  "a limit was opened by a settle",
  "a limit was opened by an operator",
  "a limit was raised",
  "a window got room",
  "keys took turns",
  "maintenance could not start",
  "repeated settle was recognised",
  "retention deleted a job",
  "settle of a superseded attempt was rejected",
]

/** What was not met. */
export function missed(sometimes: Sometimes): readonly string[] {
  return mustMeet.filter((name) => sometimes.count(name) === 0)
}
