import type { CallFault } from "../faults/faultPlan.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { HandlerRun, JobRecord, Move } from "./jobRecord.ts"

/**
 * Watches one promise while a run goes on. Every method is optional and throws a `Violation` when the
 * promise is broken. After each event come, in this order: the calls that were carried out in it, then the
 * committed moves with the rows they changed, then `settled`.
 */
export interface Checker {
  /** Shown in reports and kill tables. */
  readonly name: string
  /** The store carried out a call; whether the caller learns it is another matter. */
  executed?(call: StoreCall, reply: unknown): void
  delivered?(call: StoreCall, reply: unknown): void
  failed?(call: StoreCall, error: unknown, planned: string | undefined): void
  struck?(call: StoreCall, fault: CallFault): void
  /** One transition was committed. `before` is the row as it was before this event. */
  moved?(move: Move, before: JobRecord | null, after: JobRecord | null): void
  /** A row changed, with all its transitions of this event. */
  changed?(before: JobRecord | null, after: JobRecord, moves: readonly Move[]): void
  deleted?(before: JobRecord): void
  handlerStarted?(run: HandlerRun): void
  handlerEnded?(run: HandlerRun): void
  /** Everything of an event was shown. */
  settled?(): void
  /** The run is over: faults were healed, the backlog is worked off, all workers were stopped. */
  finished?(): void
}

/** Hands every observation to every checker. */
export class Referee implements Required<Omit<Checker, "name">> {
  readonly #checkers: readonly Checker[]

  constructor(checkers: readonly Checker[]) {
    this.#checkers = checkers
  }

  executed(call: StoreCall, reply: unknown): void {
    for (const checker of this.#checkers) checker.executed?.(call, reply)
  }

  delivered(call: StoreCall, reply: unknown): void {
    for (const checker of this.#checkers) checker.delivered?.(call, reply)
  }

  failed(call: StoreCall, error: unknown, planned: string | undefined): void {
    for (const checker of this.#checkers) checker.failed?.(call, error, planned)
  }

  struck(call: StoreCall, fault: CallFault): void {
    for (const checker of this.#checkers) checker.struck?.(call, fault)
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    for (const checker of this.#checkers) checker.moved?.(move, before, after)
  }

  changed(before: JobRecord | null, after: JobRecord, moves: readonly Move[]): void {
    for (const checker of this.#checkers) checker.changed?.(before, after, moves)
  }

  deleted(before: JobRecord): void {
    for (const checker of this.#checkers) checker.deleted?.(before)
  }

  handlerStarted(run: HandlerRun): void {
    for (const checker of this.#checkers) checker.handlerStarted?.(run)
  }

  handlerEnded(run: HandlerRun): void {
    for (const checker of this.#checkers) checker.handlerEnded?.(run)
  }

  settled(): void {
    for (const checker of this.#checkers) checker.settled?.()
  }

  finished(): void {
    for (const checker of this.#checkers) checker.finished?.()
  }
}
