import type { Drover, EnqueueOptions, JobContext, JobDefinition, ScheduleDefinition } from "drover"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import type { RunHistory } from "../history/runHistory.ts"
import type { WorkerTestimony } from "../history/testimony.ts"

/**
 * One kind of work with what must hold of it: a workload and its checker in one file. Everything that the rig does
 * to a fleet happens to every feature.
 */
export interface Feature {
  readonly name: string
  /** Queues that need other than the default slots. */
  readonly queues?: Readonly<Record<string, { readonly slots: number }>>
  /** Its kinds of jobs. Called in every process; handlers run only in workers. */
  define(handlers: HandlerWorld): readonly JobDefinition[]
  /** Schedules of its kinds, declared by every worker. */
  schedules?(definitions: readonly JobDefinition[]): readonly ScheduleDefinition[]
  /** What it does with the client of each worker process before that works. */
  attend?(drover: Drover, say: (testimony: WorkerTestimony) => void): void
  /** One step of the workload: some jobs, or something an operator does. */
  produce(producer: Producer): Promise<void>
  /** What must hold of its jobs in the end, beside what holds of all; what does not, in words. */
  check(history: RunHistory): readonly string[]
}

/** What handlers work with. */
export interface HandlerWorld {
  readonly leaseMs: number
  /** Runs a handler's body and testifies its start, its end and its abort. */
  witnessed<T>(context: JobContext, body: () => Promise<T> | T): Promise<T>
  /** Waits, and rejects when the attempt must stop. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Lets the event loop stand still. */
  block(ms: number): void
  /** Ends this process as a crash would. */
  die(): void
}

/** How a feature writes jobs. Every call is written to the history, and sent again under the same ids until it is known. */
export interface Producer {
  readonly rng: Rng
  readonly leaseMs: number
  /** @returns whether all of them are known to be written. */
  enqueue(jobs: readonly Planned[]): Promise<boolean>
  /** The same in one transaction, which is rolled back in the end if `rollback` says so. */
  transaction(jobs: readonly Planned[], rollback: boolean): Promise<boolean>
  /**
   * The same in a transaction that stays open for so long before it commits; meanwhile others are written. At once where
   * an open transaction would keep everybody from writing.
   */
  late(jobs: readonly Planned[], openMs: number): void
  /** An id for a job, to be remembered by the feature. */
  newId(): string
  /** Something that an operator does. It is not repeated. */
  operate(op: string, args: OperatorArgs): Promise<boolean>
}

/** A job to be written. */
export interface Planned {
  readonly id: string
  readonly kind: string
  readonly input: object
  readonly options?: EnqueueOptions
}

/** What an operator's action is about. */
export type OperatorArgs = { readonly queue: string } | { readonly jobs: readonly string[] }
