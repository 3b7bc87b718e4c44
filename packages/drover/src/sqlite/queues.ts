import type { Statements } from "./statements.ts"

/** What claims and enqueues need to know of a queue. */
export interface StoredQueue {
  readonly paused: boolean
  /** How long a wait counts as one step of priority; `null` for strict order. */
  readonly agingMs: number | null
}

const unstored: StoredQueue = { paused: false, agingMs: null }

/**
 * What this process remembers of `drover_queue`, true for one generation of it. Every change of the table
 * counts the generation up in the same transaction.
 */
export class Queues {
  readonly #known: Map<string, StoredQueue> = new Map()
  #generation = -1

  /** What is stored about a queue. @param generation as read in this transaction. */
  find(statements: Statements, name: string, generation: number): StoredQueue {
    if (generation !== this.#generation) {
      this.#known.clear()
      this.#generation = generation
    }
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const row = statements.first("find_queue", name)
    const queue: StoredQueue =
      row === undefined ? unstored : { paused: row[0] !== null, agingMs: row[1] as number | null }
    this.#known.set(name, queue)
    return queue
  }

  /** Forgets everything: a transaction that may have changed a queue was rolled back. */
  forget(): void {
    this.#known.clear()
    this.#generation = -1
  }
}

/**
 * What one step of priority weighs in strict order. With 1000 as the largest priority and times below the
 * year 2248, the sum stays a safe integer.
 */
export const PRIORITY_STEP: number = 2 ** 43

/**
 * The place of a job in its lane, small numbers first. In strict order any lower priority number comes
 * first; with aging, `agingMs` of waiting make up for one step of priority. Static either way, so that an
 * index can hold it.
 * @param dueAt when the job is due, not before it was enqueued.
 */
export function rankOf(priority: number, dueAt: number, agingMs: number | null): number {
  return priority * (agingMs ?? PRIORITY_STEP) + dueAt
}
