import { AsyncLocalStorage } from "node:async_hooks"
import { DroverError } from "../errors/index.ts"

/**
 * Tells whether a write is asked for from inside the body of a transaction of the same client, beside it
 * instead of through it. On SQLite it would wait for the end of that transaction, which waits for it; on any
 * database it would not be part of it, which is hardly what was meant.
 */
export class SelfWait {
  readonly #bodies: AsyncLocalStorage<{ open: boolean }> = new AsyncLocalStorage()

  /** Runs the body of a transaction, until it has ended one way or the other. */
  async run<T>(body: () => Promise<T> | T): Promise<T> {
    const held = { open: true }
    try {
      return await this.#bodies.run(held, body)
    } finally {
      // What the body left behind, such as a timer, may write again: the transaction holds up nobody now.
      held.open = false
    }
  }

  /** @throws DroverError `DROVER_TRANSACTION` inside a body that has not ended. */
  refuse(operation: string): void {
    if (this.#bodies.getStore()?.open !== true) return
    throw new DroverError(
      "DROVER_TRANSACTION",
      `${operation}: called inside a transaction of the same client, it would wait for itself and be no part of it; use the transaction's own methods, such as tx.enqueue, or do it afterwards`,
      { details: { operation } },
    )
  }
}
