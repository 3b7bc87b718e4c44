import type { Events } from "../../events/index.ts"
import type { Settlement, SettleRequest, Store } from "../../store/index.ts"
import type { Clock, Rng } from "../../time/index.ts"
import type { SettleTarget } from "../define/settleTarget.ts"
import type { Attempt } from "./attempt.ts"
import type { Deadlines } from "./deadlines.ts"
import type { Ending } from "./decide.ts"

/** What an attempt needs of the worker that runs it. */
export interface AttemptHost {
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly store: Store
  readonly deadlines: Deadlines
  readonly workerId: string
  readonly payloadLimit: number
  /** Takes what a handler settles in a transaction, where no database is behind the attempt that could. */
  readonly settleTarget?: SettleTarget | undefined
  readonly stuckAfterMs: number
  /** Runs a handler of another isolation than `inline`. */
  readonly children: IsolatedRunner
  /** The handler ended, and its slot is free. */
  ended(attempt: Attempt): void
  /** What became of the job is to be written. */
  settle(ended: EndedAttempt): void
  /** The handler was aborted and did not end in time. */
  stuck(attempt: Attempt, sinceMs: number): void
  /** An error was let loose outside of the handler's promise. */
  strayed(attempt: Attempt, error: unknown): void
}

/** Runs attempts elsewhere. */
export interface IsolatedRunner {
  run(attempt: Attempt): Promise<Ending>
  /** Ends the thread or the process under the attempt; its `run` then resolves as crashed. */
  kill(attempt: Attempt): void
  /** Ends all of them at once. */
  close(): void
}

/** A settlement on its way to the store. */
export interface EndedAttempt extends SettleRequest {
  readonly startedMono: number
  readonly endedMono: number
  /** What the handler settled inside of a transaction of its own: if that was committed, this is how the attempt ended. */
  readonly joined?: Settlement
}
