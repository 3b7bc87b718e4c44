import type { ClaimedJob } from "../store/index.ts"
import { claimOf, trailOf } from "./mark.ts"

/**
 * Which rows of `claim` this process has written and which of their jobs it has not settled yet. A row whose last
 * job's settlement was acknowledged says nothing any more; the next exchange deletes it. What this forgets (a process
 * that ended, a settlement elsewhere) stays until the worker ends or `rescue` looks through old rows, and harms nobody.
 */
export class OpenClaims {
  /** By row, the claims of its jobs that have not ended. */
  readonly #left: Map<number, Set<number>> = new Map()
  #closable: number[] = []

  /** These jobs were claimed and the reply has arrived. */
  opened(jobs: readonly ClaimedJob[]): void {
    for (const { mark } of jobs) {
      const seq = claimOf(mark)
      let left = this.#left.get(seq)
      if (left === undefined) {
        left = new Set()
        this.#left.set(seq, left)
      }
      left.add(trailOf(mark))
    }
  }

  /** The end of this attempt was acknowledged, whatever became of it. */
  ended(mark: number): void {
    const seq = claimOf(mark)
    const left = this.#left.get(seq)
    if (left === undefined || !left.delete(trailOf(mark)) || left.size > 0) return
    this.#left.delete(seq)
    this.#closable.push(seq)
  }

  /** The rows to delete now. */
  takeClosable(): readonly number[] {
    const closable = this.#closable
    if (closable.length > 0) this.#closable = []
    return closable
  }

  /** Deleting these failed, or its reply was lost. */
  giveBack(seqs: readonly number[]): void {
    this.#closable.push(...seqs)
  }
}
