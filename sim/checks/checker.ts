import type { CallFault } from "../faults/faultPlan.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { HandlerRun, JobRecord, Move } from "./jobRecord.ts"
import { Violation } from "./violation.ts"

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

/**
 * Hands every observation to every checker and keeps the first violation. It never throws itself: what it is
 * told happens in the middle of the runtime, which would take the violation for an error of its own.
 */
export class Referee implements Required<Omit<Checker, "name">> {
  readonly #checkers: readonly Checker[]
  #violation: Violation | undefined

  constructor(checkers: readonly Checker[]) {
    this.#checkers = checkers
  }

  /** The first promise that was broken. */
  get violation(): Violation | undefined {
    return this.#violation
  }

  /** Something broke a promise, seen by somebody else than a checker. */
  accuse(violation: Violation): void {
    this.#violation ??= violation
  }

  executed(call: StoreCall, reply: unknown): void {
    this.#tell((checker) => checker.executed?.(call, reply))
  }

  delivered(call: StoreCall, reply: unknown): void {
    this.#tell((checker) => checker.delivered?.(call, reply))
  }

  failed(call: StoreCall, error: unknown, planned: string | undefined): void {
    this.#tell((checker) => checker.failed?.(call, error, planned))
  }

  struck(call: StoreCall, fault: CallFault): void {
    this.#tell((checker) => checker.struck?.(call, fault))
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    this.#tell((checker) => checker.moved?.(move, before, after))
  }

  changed(before: JobRecord | null, after: JobRecord, moves: readonly Move[]): void {
    this.#tell((checker) => checker.changed?.(before, after, moves))
  }

  deleted(before: JobRecord): void {
    this.#tell((checker) => checker.deleted?.(before))
  }

  handlerStarted(run: HandlerRun): void {
    this.#tell((checker) => checker.handlerStarted?.(run))
  }

  handlerEnded(run: HandlerRun): void {
    this.#tell((checker) => checker.handlerEnded?.(run))
  }

  settled(): void {
    this.#tell((checker) => checker.settled?.())
  }

  finished(): void {
    this.#tell((checker) => checker.finished?.())
  }

  #tell(tell: (checker: Checker) => void): void {
    for (const checker of this.#checkers) {
      try {
        tell(checker)
      } catch (error) {
        this.accuse(error instanceof Violation ? error : broken(checker, error))
      }
    }
  }
}

function broken({ name }: Checker, error: unknown): Violation {
  return new Violation(name, `the checker itself failed: ${String(error)}`)
}
