import type { ConnectionRole } from "./connections.ts"

/** How one call of the database is carried out. */
export interface CallOptions {
  /** @default "work" */
  readonly role?: ConnectionRole
  /** Longest time for one statement, in ms; then its connection is destroyed. @default 12 s */
  readonly deadlineMs?: number
  /**
   * Whether the body may run again although the attempt before may have been committed. Its second argument says so.
   * @default false
   */
  readonly repeatable?: boolean
  /** Whether the body changes nothing, so that it may run again after anything. @default false */
  readonly reads?: boolean
}

/** What a body is told about its attempt. */
export interface CallAttempt {
  /** An attempt of the same call before this one may have been committed: its reply was lost. */
  readonly repeated: boolean
}

/** A little more than the server takes to end a statement by itself (`sessionLimits`). */
export const DEADLINE_MS = 12_000
