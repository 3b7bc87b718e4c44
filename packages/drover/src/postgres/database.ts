import type { Events } from "../events/index.ts"
import { retry, RetryError } from "../retry/index.ts"
import type { RetryPolicyOptions } from "../retry/index.ts"
import { FailureReport } from "../store/index.ts"
import type { MigrationStatus, OpenOptions, StoreEnvironment } from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import { DEADLINE_MS } from "./callOptions.ts"
import type { CallAttempt, CallOptions } from "./callOptions.ts"
import type { Connection } from "./connection.ts"
import { Connections } from "./connections.ts"
import type { ConnectionSupply } from "./connections.ts"
import { loadDriver } from "./driver.ts"
import { migrate, migrationStatus, refuseUnfit } from "./migrate.ts"
import { checkServer } from "./serverVersion.ts"
import {
  closedError,
  ConnectionFailure,
  isConflict,
  isLost,
  isNotNow,
  isRefused,
  isStatementAstray,
  toStoreError,
} from "./postgresErrors.ts"
import { StatementTexts } from "./statementTexts.ts"
import type { QueryName } from "./statementTexts.ts"
import { CommitUnknown, transact } from "./transact.ts"
import type { Isolation } from "./transact.ts"
import { rowTypes } from "./values.ts"
import type { BoundValue, Row } from "./values.ts"

/** What `postgres()` was told, checked. */
export interface DatabaseOptions {
  readonly supply: ConnectionSupply
  readonly schema: string
  /** Whether statements are prepared by name. */
  readonly prepare: boolean
  /** Whether changes are told and heard with NOTIFY. */
  readonly notify: boolean
}

// Conflicts end in milliseconds; a server that restarts is back in seconds.
const AGAIN: RetryPolicyOptions = {
  backoff: "exponential",
  base: 5,
  factor: 2,
  cap: 500,
  jitter: "full",
  maxAttempts: 1_000,
}

/** How long one call tries, with all its attempts. */
const CALL_MS = 15_000

/**
 * How an open goes about a server that restarts just now, or that has no room for another connection: like every call,
 * but for whoever mistyped the address not as long.
 */
const OPENING: CallOptions = { reads: true, deadlineMs: 5_000 }

/** A wait from which on `store.busy` is emitted. */
const BUSY_REPORT_MS = 250

/** The connections of one store, and how its operations use them. */
export class PostgresDatabase {
  readonly label: string
  readonly schema: string
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly options: DatabaseOptions
  readonly #texts: StatementTexts
  readonly #failures: FailureReport
  #isPrepared: boolean
  #connections: Connections | undefined
  #isOpen = false
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(label: string, options: DatabaseOptions, environment: StoreEnvironment) {
    this.label = label
    this.schema = options.schema
    this.clock = environment.clock
    this.rng = environment.rng
    this.events = environment.events
    this.options = options
    this.#texts = new StatementTexts(options.schema)
    this.#failures = new FailureReport(this.events, this.clock)
    this.#isPrepared = options.prepare
  }

  /** Between the end of `open` and the begin of `close`. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** See `Store.open`. A second call waits for the first. */
  open(options: OpenOptions): Promise<void> {
    this.#opening ??= this.#open(options).catch((error: unknown) => {
      // A failed start leaves nothing behind, so it can be tried again.
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** See `Store.close`. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** See `Store.migrations`. */
  migrations(): Promise<readonly MigrationStatus[]> {
    return this.#apart("migrations", migrationStatus)
  }

  /** See `Store.migrate`. */
  migrate(options: { readonly dryRun: boolean }): Promise<readonly MigrationStatus[]> {
    return this.#apart("migrate", (migrating) => migrate(migrating, options))
  }

  /**
   * Runs the body in one READ COMMITTED transaction, again after a conflict or a lost connection. The body keeps no
   * state outside. @throws what the body threw, as a store error if it is the database's.
   */
  write<T>(
    operation: string,
    body: (connection: Connection, attempt: CallAttempt) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    return this.#call(operation, options, (connection, attempt) =>
      this.#transact(connection, "read committed", (inside) => body(inside, attempt)),
    )
  }

  /** Runs the body without a transaction: each statement sees its own snapshot and, if it writes, commits by itself. */
  plain<T>(
    operation: string,
    body: (connection: Connection, attempt: CallAttempt) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    return this.#call(operation, options, body)
  }

  /** Runs a body that only reads; each of its statements sees its own snapshot. */
  read<T>(
    operation: string,
    body: (connection: Connection) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    return this.#call(operation, { ...options, reads: true }, body)
  }

  /** Runs a body that only reads; all its statements see one snapshot. */
  snapshot<T>(
    operation: string,
    body: (connection: Connection) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    return this.#call(operation, { ...options, reads: true }, (connection) =>
      this.#transact(connection, "repeatable read, read only", body),
    )
  }

  /** Runs a body once with a connection of its own, for the transactions of users. @throws what the body throws. */
  async hold<T>(operation: string, body: (connection: Connection) => Promise<T>): Promise<T> {
    this.connections(operation)
    try {
      return await this.#once(operation, {}, body)
    } catch (error) {
      throw toStoreError(error, operation, this.label)
    }
  }

  /** Runs one named statement that commits by itself. */
  statement(
    operation: string,
    name: QueryName,
    values: readonly BoundValue[] = [],
    options: CallOptions = {},
  ): Promise<readonly Row[]> {
    return this.#call(operation, options, (connection) => connection.query(name, values))
  }

  /** The text of a named query for this schema, for statements on a user's own connection. */
  textOf(name: QueryName): string {
    return this.#texts.named(name).text
  }

  /** What to do with the connections beside calls: notifications, `doctor`. @throws `DROVER_CLOSED`. */
  connections(operation: string): Connections {
    if (!this.#isOpen || this.#connections === undefined) throw closedError(operation, this.label)
    return this.#connections
  }

  async #open(options: OpenOptions): Promise<void> {
    if (this.#closing !== undefined) throw closedError("open", this.label)
    try {
      this.#connections = await this.#connect()
      await this.#tried("open", OPENING, (connection) => checkServer(connection, this.label))
      if (options.migrate) await migrate(this.#migrating(this.#connections), { dryRun: false })
      await this.#tried("open", OPENING, (connection) => refuseUnfit(connection, this.label))
      this.#isOpen = true
    } catch (error) {
      await this.#disconnect()
      throw toStoreError(error, "open", this.label)
    }
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => undefined)
    this.#isOpen = false
    await this.#disconnect()
  }

  async #connect(): Promise<Connections> {
    const driver = await loadDriver()
    return new Connections({
      driver,
      supply: this.options.supply,
      tools: {
        clock: this.clock,
        types: rowTypes(driver.types),
        texts: this.#texts,
        isPrepared: () => this.#isPrepared,
      },
      onPooler: () =>
        this.#onPooler("the server's process is not the one that the connection was told of"),
    })
  }

  async #disconnect(): Promise<void> {
    const connections = this.#connections
    this.#connections = undefined
    await connections?.close()
  }

  #onPooler(reason: string): void {
    this.events.emit("store.pooler_found", { store: this.label, reason })
  }

  #migrating(connections: Connections): Parameters<typeof migrate>[0] {
    return {
      label: this.label,
      schema: this.schema,
      clock: this.clock,
      rng: this.rng,
      use: (deadlineMs, body) => connections.use("work", deadlineMs, body),
    }
  }

  /** For migrations, which must also work on a database that `open` refuses, and beside one that opens. */
  async #apart<T>(
    operation: string,
    body: (migrating: Parameters<typeof migrate>[0]) => Promise<T>,
  ): Promise<T> {
    if (this.#closing !== undefined) throw closedError(operation, this.label)
    await this.#opening?.catch(() => undefined)
    const open = this.#connections
    const connections = open ?? (await this.#connect())
    try {
      return await body(this.#migrating(connections))
    } catch (error) {
      throw toStoreError(error, operation, this.label)
    } finally {
      if (open === undefined) await connections.close()
    }
  }

  #transact<T>(
    connection: Connection,
    isolation: Isolation,
    body: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const hasSession = this.#connections?.hasSessions ?? false
    return transact(connection, { isolation, hasSession }, body)
  }

  async #call<T>(
    operation: string,
    options: CallOptions,
    body: (connection: Connection, attempt: CallAttempt) => Promise<T>,
  ): Promise<T> {
    this.connections(operation)
    return this.#tried(operation, options, body)
  }

  async #tried<T>(
    operation: string,
    options: CallOptions,
    body: (connection: Connection, attempt: CallAttempt) => Promise<T>,
  ): Promise<T> {
    let result: T
    try {
      result = await this.#once(operation, options, (connection) => body(connection, FIRST))
    } catch (error) {
      if (!this.#isWorthAgain(error, options)) throw this.#failed(operation, error)
      result = await this.#again(operation, options, body, error)
    }
    this.#failures.succeeded(operation, options.reads === true ? "read" : "write")
    return result
  }

  /** The first attempt has failed; the others go through the one `retry`, which begins with that failure. */
  async #again<T>(
    operation: string,
    options: CallOptions,
    body: (connection: Connection, attempt: CallAttempt) => Promise<T>,
    firstError: unknown,
  ): Promise<T> {
    const startedMono = this.clock.monotonic()
    let repeated = isAmbiguous(firstError)
    let attempts = 1
    const run = async (attempt: number): Promise<T> => {
      if (attempt === 1) throw firstError
      attempts = attempt
      try {
        return await this.#once(operation, options, (connection) => body(connection, { repeated }))
      } catch (error) {
        repeated ||= isAmbiguous(error)
        throw error
      }
    }
    try {
      const result = await retry(({ attempt }) => run(attempt), {
        ...AGAIN,
        deadline: Math.min(CALL_MS, options.deadlineMs ?? CALL_MS),
        retryIf: (error) => this.#isWorthAgain(error, options),
        clock: this.clock,
        rng: this.rng,
      })
      const waitedMs = this.clock.monotonic() - startedMono
      if (waitedMs >= BUSY_REPORT_MS)
        this.events.emit("store.busy", { operation, waitedMs, attempts })
      return result
    } catch (error) {
      throw this.#failed(operation, error instanceof RetryError ? error.cause : error)
    }
  }

  #once<T>(
    operation: string,
    { role = "work", deadlineMs = DEADLINE_MS }: CallOptions,
    body: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const connections = this.#connections
    if (connections === undefined) return Promise.reject(closedError(operation, this.label))
    return connections.use(role, deadlineMs, body)
  }

  #isWorthAgain(error: unknown, options: CallOptions): boolean {
    if (this.#closing !== undefined) return false
    if (isStatementAstray(error)) {
      // Nothing ran. From now on nothing is left on a connection that the next statement may not get.
      if (this.#isPrepared)
        this.#onPooler("a prepared statement was not where it had been prepared")
      this.#isPrepared = false
      return true
    }
    if (isConflict(error) || isNotNow(error)) return true
    if (isRefused(error) || (error instanceof ConnectionFailure && error.isDeadline)) return false
    if (isAmbiguous(error)) return options.repeatable === true || options.reads === true
    return isLost(error)
  }

  #failed(operation: string, error: unknown): unknown {
    const cause = error instanceof CommitUnknown ? error.cause : error
    const storeError = toStoreError(cause, operation, this.label)
    this.#failures.failed(operation, storeError)
    return storeError
  }
}

const FIRST: CallAttempt = { repeated: false }

/** Whether what was sent may have been committed although it failed. */
function isAmbiguous(error: unknown): boolean {
  if (error instanceof CommitUnknown) return true
  return isLost(error) && !(error instanceof ConnectionFailure && error.reach === "unsent")
}
