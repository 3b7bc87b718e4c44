import type { DatabaseSync } from "node:sqlite"
import { assert, DroverError } from "../errors/index.ts"
import type {
  EnqueueOutcome,
  NewJob,
  SettleRequest,
  SettleStatus,
  StoreTransaction,
} from "../store/index.ts"
import type { Clock } from "../time/index.ts"
import { enqueueWithin } from "./enqueue.ts"
import { settle } from "./settle.ts"
import { isClosed, toStoreError } from "./sqliteErrors.ts"
import type { WriteTx } from "./writeTx.ts"

/**
 * Runs a user's body in a transaction that has begun, and commits or rolls back; whoever opened its connection closes
 * it. The database's write lock is held meanwhile, so the body has a time limit.
 * @throws what the body throws, or DroverError `DROVER_TRANSACTION` when it took too long or ended the
 * transaction itself; everything was rolled back then.
 */
export async function runUserTransaction<T>(
  tx: WriteTx,
  body: (transaction: StoreTransaction) => Promise<T> | T,
  options: {
    readonly clock: Clock
    readonly label: string
    readonly timeoutMs: number
    /** Called after the commit. @throws when it went where nobody will find it. */
    landed(): void
  },
): Promise<T> {
  const transaction = new HeldTransaction(tx, options.label)
  try {
    const result = await withinTime(() => body(transaction), options)
    if (!isOpen(tx)) throw endedInside(options.label)
    tx.db.exec("commit")
    options.landed()
    return result
  } catch (error) {
    if (isOpen(tx)) tx.db.exec("rollback")
    tx.forget()
    // The store is open, so this is about a connection that the body kept of another transaction, or closed.
    if (isClosed(error)) throw error
    throw toStoreError(error, "transaction", options.label)
  } finally {
    transaction.end()
  }
}

// A body may also have closed the connection.
function isOpen({ db }: WriteTx): boolean {
  return db.isOpen && db.isTransaction
}

class HeldTransaction implements StoreTransaction {
  readonly #tx: WriteTx
  readonly #label: string
  #ended = false

  constructor(tx: WriteTx, label: string) {
    this.#tx = tx
    this.#label = label
  }

  get connection(): DatabaseSync {
    this.#requireOpen()
    return this.#tx.db
  }

  // Async, so that every failure is a rejection.
  async enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]> {
    this.#requireOpen()
    // Since the last time the body may have rolled back to a savepoint, or enqueued through its connection.
    this.#tx.forget()
    this.#tx.load()
    return enqueueAtomically(this.#tx, jobs)
  }

  async settle(request: SettleRequest): Promise<SettleStatus> {
    this.#requireOpen()
    this.#tx.forget()
    this.#tx.load()
    return settleAtomically(this.#tx, request)
  }

  end(): void {
    this.#ended = true
  }

  #requireOpen(): void {
    if (this.#ended) throw usedAfterEnd(this.#label)
    if (!isOpen(this.#tx)) throw endedInside(this.#label)
  }
}

/** Enqueues in a transaction that goes on afterwards. */
export function enqueueAtomically(tx: WriteTx, jobs: readonly NewJob[]): EnqueueOutcome[] {
  return atomically(tx, () => enqueueWithin(tx, jobs))
}

/** Settles an attempt in a transaction that goes on afterwards. */
export function settleAtomically(tx: WriteTx, request: SettleRequest): SettleStatus {
  const worker = tx.statements.first("worker_of_job", request.attempt.ref)?.[0]
  const [status] = atomically(tx, () => settle(tx, (worker ?? NOBODY) as number, [request]))
  assert(status !== undefined, "a settlement has a status")
  return status
}

// No worker's ref. While the fence holds, the job's row says who runs it.
const NOBODY = 0

/**
 * Runs a write in a transaction that goes on afterwards: if it fails, nothing of it remains although the caller
 * may catch the error and commit. The pulse is written at once, because the commit is not ours.
 */
function atomically<T>(tx: WriteTx, body: () => T): T {
  tx.db.exec("savepoint drover_joined")
  try {
    const outcome = body()
    tx.save()
    tx.db.exec("release drover_joined")
    return outcome
  } catch (error) {
    // A full disk may have rolled back the whole transaction, and the savepoint with it.
    if (isOpen(tx)) {
      tx.db.exec("rollback to drover_joined")
      tx.db.exec("release drover_joined")
      tx.load()
    }
    tx.forget()
    throw error
  }
}

async function withinTime<T>(
  body: () => Promise<T> | T,
  options: { readonly clock: Clock; readonly label: string; readonly timeoutMs: number },
): Promise<T> {
  const { clock, label, timeoutMs } = options
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = clock.setTimer(timeoutMs, () => reject(tookTooLong(label, timeoutMs)))
  try {
    return await Promise.race([body(), late])
  } finally {
    timer.cancel()
  }
}

function tookTooLong(label: string, timeoutMs: number): DroverError {
  return new DroverError(
    "DROVER_TRANSACTION",
    `A transaction on ${label} was rolled back after ${timeoutMs} ms, because it holds up all other writes; do slow work before it, or give it a longer timeout.`,
    { details: { store: label, timeoutMs } },
  )
}

function usedAfterEnd(label: string): DroverError {
  return new DroverError(
    "DROVER_TRANSACTION",
    `A transaction on ${label} was used after it ended; await everything inside its body.`,
    { details: { store: label } },
  )
}

function endedInside(label: string): DroverError {
  return new DroverError(
    "DROVER_TRANSACTION",
    `A transaction on ${label} ended inside its own body (by "commit", by "rollback", by closing the connection, or because the disk is full).`,
    { details: { store: label } },
  )
}
