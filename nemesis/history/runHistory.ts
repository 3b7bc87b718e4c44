import type { History } from "../../packages/drover/crash/history.ts"
import type { TickRow } from "../../packages/drover/src/store/index.ts"
import type { Outcome } from "./operation.ts"
import type { Seen, WorkerRecord } from "./testimony.ts"

/** A time in which something was made to go wrong. */
export interface FaultSpan {
  readonly name: string
  /** Processes that it hit; "all" when it hit the database. */
  readonly pids: readonly number[] | "all"
  readonly fromMono: number
  readonly toMono: number
}

/** What a process or the database held at one moment. */
export interface Sample {
  /** "worker-2/4711", "driver", "database". */
  readonly of: string
  readonly when: "baseline" | "end"
  readonly counts: Readonly<Record<string, number>>
}

/** Something that the database saw happen in a term: "begun", or the service whose turn a leader took. */
export interface StoredTerm {
  readonly term: number
  readonly what: string
}

/** All that is known of a run in the end. The crash tests' checks read the part they know. */
export interface RunHistory extends History {
  readonly operations: readonly Outcome[]
  readonly testimonies: readonly WorkerRecord[]
  readonly seen: readonly Seen[]
  readonly faults: readonly FaultSpan[]
  /** What became of each schedule's planned instants, oldest first. */
  readonly ticks: ReadonlyMap<string, readonly TickRow[]>
  /** In the order of commits; empty where writes of two terms cannot overlap. */
  readonly storedTerms: readonly StoredTerm[]
  /** Jobs of which nobody was told, that were not found in time. */
  readonly unheard: readonly string[]
  readonly samples: readonly Sample[]
  readonly leaseMs: number
  /** When the last fault was undone. */
  readonly healedMono: number
  /** What the run itself could not do: heal, drain, stop cleanly. In words. */
  readonly failures: readonly string[]
}

/** Time in which a process was not itself to blame: it or the database was under a fault. */
export function wasUnderFault(
  { faults }: Pick<RunHistory, "faults">,
  pid: number,
  { fromMono, toMono }: { readonly fromMono: number; readonly toMono: number },
): boolean {
  return faults.some(
    (fault) =>
      (fault.pids === "all" || fault.pids.includes(pid)) &&
      fault.fromMono <= toMono &&
      fault.toMono >= fromMono,
  )
}
