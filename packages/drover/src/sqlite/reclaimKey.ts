import type { WriteTx } from "./writeTx.ts"

/** The unique key of a job that is about to wait again, as its row has it. */
export interface ReturningKey {
  readonly job: number
  readonly hash: Uint8Array | null
  /** Bit n: the key is held in the state with code n. */
  readonly states: number | null
  readonly until: number | null
}

/**
 * Takes the unique key of a job that comes back into a waiting state, unless another job holds it by now.
 * @returns `false` when another holds it: this job alone must end, so that nothing else is held up (J12).
 */
export function reclaimKey(tx: WriteTx, key: ReturningKey, toState: number): boolean {
  if (key.hash === null || !holds(key.states, key.until, toState, tx.now)) return true
  const hold = tx.statements.first("key_holder", key.hash)
  if (hold === undefined) {
    tx.statements.run("add_key_holder", key.hash, key.job)
    return true
  }
  const [job, trailing, state, states, until] = hold as (number | null)[]
  if (job === key.job || trailing === key.job) return true
  // The other job may be gone: then its key is free.
  if (state !== null && state !== undefined && holds(states ?? null, until ?? null, state, tx.now))
    return false
  tx.statements.run("pass_key", key.job, key.hash)
  return true
}

/** What a job that lost its key to another ends with. */
export const keyLostReason = "unique key is held by another job"

function holds(states: number | null, until: number | null, state: number, now: number): boolean {
  return ((states ?? 0) & (1 << state)) !== 0 && (until === null || until > now)
}
