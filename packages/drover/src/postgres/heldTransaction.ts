import { DroverError } from "../errors/index.ts"
import type {
  EnqueueOutcome,
  NewJob,
  SettleRequest,
  SettleStatus,
  StoreTransaction,
} from "../store/index.ts"
import type { Clock } from "../time/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import type { PgClient } from "./driver.ts"
import { enqueueJoined, settleJoined } from "./joinedWrites.ts"
import type { RunStatement } from "./joinedWrites.ts"
import { ConnectionFailure, toStoreError } from "./postgresErrors.ts"

// So long after its own limit the server gives up on a body whose process cannot be heard any more.
const SERVER_GRACE_MS = 5_000

/**
 * Runs a user's body in a transaction on a connection of the store's pool. See `Store.transaction`.
 * @throws what the body threw, or DroverError `DROVER_TRANSACTION` when it took too long or ended the transaction
 * itself; everything was rolled back then.
 */
export async function transaction<T>(
  context: StoreContext,
  body: (tx: StoreTransaction) => Promise<T> | T,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<T> {
  const { database } = context
  return database.hold("transaction", async (connection) => {
    const limitMs = Math.min(timeoutMs + SERVER_GRACE_MS, 2_147_483_647)
    await connection.execute(
      `begin; set local idle_in_transaction_session_timeout = ${limitMs}; set local statement_timeout = ${limitMs}`,
    )
    const held = new HeldTransaction(context, connection)
    try {
      const result = await withinTime(() => body(held), {
        clock: database.clock,
        label: database.label,
        timeoutMs,
      })
      if (held.status !== "T") throw endedInside(database.label)
      await connection.execute("commit")
      return result
    } catch (error) {
      await rollBack(held, connection, error)
      throw toStoreError(error, "transaction", database.label)
    } finally {
      held.end()
    }
  })
}

async function rollBack(
  held: HeldTransaction,
  connection: Connection,
  error: unknown,
): Promise<void> {
  if (connection.broken !== undefined) return
  if (isTooLate(error)) {
    // A statement of the body may still run, and others may follow: none of them gets to see another transaction.
    connection.giveUp(error)
    return
  }
  if (held.status !== "I") await connection.execute("rollback").catch(() => undefined)
}

class HeldTransaction implements StoreTransaction {
  readonly #context: StoreContext
  readonly #client: PgClient
  readonly #connection: Connection
  #ended = false

  constructor(context: StoreContext, connection: Connection) {
    this.#context = context
    this.#connection = connection
    this.#client = connection.client
  }

  get connection(): PgClient {
    this.#requireOpen()
    return this.#client
  }

  /** As the server said last: `I` outside of a transaction, `T` inside, `E` after a failed statement. */
  get status(): string | null {
    return transactionStatus(this.#client)
  }

  // Async, so that every failure is a rejection.
  async enqueue(jobs: readonly NewJob[]): Promise<readonly EnqueueOutcome[]> {
    this.#requireOpen()
    return this.#mapped("enqueue", () => enqueueJoined(this.#context, this.#run, jobs))
  }

  async settle(request: SettleRequest): Promise<SettleStatus> {
    this.#requireOpen()
    return this.#mapped("settle", () => settleJoined(this.#context, this.#run, request))
  }

  end(): void {
    this.#ended = true
  }

  readonly #run: RunStatement = (text, values) => runOn(this.#client, text, values)

  async #mapped<T>(operation: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body()
    } catch (error) {
      throw toStoreError(error, operation, this.#context.database.label)
    }
  }

  #requireOpen(): void {
    const { label } = this.#context.database
    if (this.#ended || this.#connection.broken !== undefined) throw usedAfterEnd(label)
    if (this.status === "I") throw endedInside(label)
  }
}

/** Runs a statement on a client of `pg`. */
export async function runOn(
  client: PgClient,
  text: string,
  values: readonly unknown[],
): Promise<{ readonly rows: readonly Record<string, unknown>[] }> {
  const { query } = client as unknown as {
    query: (text: string, values: unknown[]) => Promise<unknown>
  }
  const result = await query.call(client, text, [...values])
  return result as { readonly rows: readonly Record<string, unknown>[] }
}

/** What a client of `pg` knows of its transaction; `null` before its first query. */
export function transactionStatus(client: PgClient): string | null {
  const { getTransactionStatus } = client as { getTransactionStatus?: () => string | null }
  return getTransactionStatus?.call(client) ?? null
}

async function withinTime<T>(
  body: () => Promise<T> | T,
  options: { readonly clock: Clock; readonly label: string; readonly timeoutMs: number },
): Promise<T> {
  const { clock, label, timeoutMs } = options
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = clock.setTimer(timeoutMs, () => reject(new TooLate(label, timeoutMs)))
  try {
    return await Promise.race([body(), late])
  } finally {
    timer.cancel()
  }
}

class TooLate extends DroverError {
  constructor(label: string, timeoutMs: number) {
    super(
      "DROVER_TRANSACTION",
      `A transaction on ${label} was rolled back after ${timeoutMs} ms, because it holds locks that others wait for; do slow work before it, or give it a longer timeout.`,
      { details: { store: label, timeoutMs } },
    )
  }
}

function isTooLate(error: unknown): boolean {
  return error instanceof TooLate || error instanceof ConnectionFailure
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
    `A transaction on ${label} ended inside its own body: by "commit", by "rollback", or because a statement of it failed.`,
    { details: { store: label } },
  )
}
