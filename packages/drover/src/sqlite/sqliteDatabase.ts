import { existsSync } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { assert, DroverError } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import type {
  MigrationStatus,
  OpenOptions,
  StoreEnvironment,
  StoreTransaction,
} from "../store/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import { adoptTransaction } from "./adoptedTransaction.ts"
import { untilFree } from "./busyWait.ts"
import { persistedTime } from "./clockStamp.ts"
import { openReader, openWriter } from "./connection.ts"
import type { Durability } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import { FailureReport } from "../store/index.ts"
import { openHeld } from "./heldConnection.ts"
import type { Held } from "./heldConnection.ts"
import { Lanes } from "./lanes.ts"
import { LogKeeper } from "./logKeeper.ts"
import {
  applyMigrations,
  migrationStatus,
  noMigrations,
  refuseNewer,
  refuseOlder,
} from "./migrate.ts"
import { Queues } from "./queues.ts"
import { checkIdentity, checkSqliteVersion, logOf, prepareFile } from "./safety.ts"
import type { FileIdentity } from "./safety.ts"
import { closedError, toStoreError } from "./sqliteErrors.ts"
import { Statements } from "./statements.ts"
import { StoreTimer } from "./storeTimer.ts"
import { runUserTransaction } from "./userTransaction.ts"
import { WriteTx } from "./writeTx.ts"
import type { ReadTx } from "./writeTx.ts"
import { Writer } from "./writer.ts"

/** Where a database is: a file, a memory of its own, or a connection that several stores share. */
export type DatabasePlace =
  | { readonly kind: "file"; readonly path: string; readonly durability: Durability }
  | { readonly kind: "memory" }
  | { readonly kind: "shared"; readonly db: DatabaseSync; readonly lanes: Lanes }

/** Everything that lives between `open` and `close`. */
interface OpenParts {
  readonly file: FileIdentity | null
  readonly writeDb: DatabaseSync
  readonly readDb: DatabaseSync
  readonly readStatements: Statements
  readonly lanes: Lanes
  readonly writer: Writer
  /** `null` without a log of its own: in memory. */
  readonly logKeeper: LogKeeper | null
}

/** The connections of one store, and the context that its operations are handed. */
export class SqliteDatabase implements StoreContext {
  readonly label: string
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly #place: DatabasePlace
  readonly #timer: StoreTimer
  readonly #failures: FailureReport
  #log: FileIdentity | null = null
  #parts: OpenParts | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(label: string, place: DatabasePlace, environment: StoreEnvironment) {
    this.label = label
    this.clock = environment.clock
    this.rng = environment.rng
    this.events = environment.events
    this.#place = place
    this.#timer = new StoreTimer(this.clock, this.events)
    this.#failures = new FailureReport(this.events, this.clock)
  }

  /** Whether other processes and threads can reach this database. */
  get hasFile(): boolean {
    return this.#place.kind === "file"
  }

  get file(): FileIdentity | null {
    return this.#parts?.file ?? null
  }

  now(): number {
    return this.#timer.observe()
  }

  msSinceStep(): number {
    return this.#timer.msSinceStep()
  }

  msSince(storeAt: number): number {
    return this.#timer.msSince(storeAt)
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
    return this.#withWriter("migrations", (db) => migrationStatus(db))
  }

  /** The same of a database that may not be there, without making it or changing anything of it. */
  async migrationsFound(): Promise<readonly MigrationStatus[]> {
    const place = this.#place
    if (place.kind !== "file") return this.migrations()
    if (!existsSync(place.path)) return noMigrations()
    try {
      return await untilFree("migrations", this, () => {
        const db = openReader(place.path)
        try {
          return migrationStatus(db)
        } finally {
          db.close()
        }
      })
    } catch (error) {
      throw toStoreError(error, "migrations", this.label)
    }
  }

  /** See `Store.migrate`. */
  migrate(options: { readonly dryRun: boolean }): Promise<readonly MigrationStatus[]> {
    return this.#withWriter("migrate", (db) => {
      refuseNewer(db, this.label)
      const pending = migrationStatus(db).filter(({ appliedAt }) => appliedAt === null)
      if (options.dryRun) return pending
      applyMigrations(db, this.now())
      const applied = new Set(pending.map(({ number }) => number))
      return migrationStatus(db).filter(({ number }) => applied.has(number))
    })
  }

  /** See `Store.now`. */
  storeNow(): Promise<number> {
    return this.read("now", ({ statements }) => {
      const pulse = statements.first("read_pulse")
      return this.#timer.observe(pulse === undefined ? undefined : persistedTime(pulse))
    })
  }

  /**
   * A number that differs from the last one when anybody may have committed something since. It costs
   * microseconds; `undefined` while the store is not open.
   */
  changeMark(): number | undefined {
    const parts = this.#parts
    if (parts === undefined) return undefined
    // data_version sees other connections only, ours is the reader; a lone connection has to count its own changes.
    const sql = parts.readDb === parts.writeDb ? "select total_changes()" : "pragma data_version"
    const [value] = parts.readStatements.made(sql).get() as unknown as [number]
    return value
  }

  async write<T>(operation: string, body: (tx: WriteTx) => T, rows?: number): Promise<T> {
    return this.#require(operation).writer.write(operation, body, rows)
  }

  async read<T>(operation: string, body: (tx: ReadTx) => T): Promise<T> {
    const { file } = this.#require(operation)
    if (file !== null) checkIdentity(file)
    try {
      return await untilFree(operation, this, () => {
        const { readDb: db, readStatements: statements, lanes } = this.#require(operation)
        return body({ db, statements, lanes, now: this.now() })
      })
    } catch (error) {
      const storeError = toStoreError(error, operation, this.label)
      this.#failures.failed(operation, storeError)
      throw storeError
    }
  }

  /** See `Store.transaction`. */
  async transaction<T>(
    body: (tx: StoreTransaction) => Promise<T> | T,
    timeoutMs: number,
  ): Promise<T> {
    const { clock, label } = this
    const { writer } = this.#require("transaction")
    const landed = (): void => this.#checkLanded()
    return writer.hold("transaction", (tx) =>
      runUserTransaction(tx, body, { clock, label, timeoutMs, landed }),
    )
  }

  /** See `Store.adopt`. */
  adopt(connection: unknown): StoreTransaction {
    const { file, writeDb: db } = this.#require("adopt")
    return adoptTransaction({ label: this.label, file, db, timer: this.#timer }, connection)
  }

  async #open(options: OpenOptions): Promise<void> {
    if (this.#closing !== undefined) throw closedError("open", this.label)
    const file = this.#checkPlace()
    const writeDb = await this.#openWriter()
    let readDb: DatabaseSync | undefined
    try {
      await this.#checkSchema(writeDb, options)
      readDb = this.#place.kind === "file" ? openReader(this.#place.path) : writeDb
      this.#parts = this.#assemble(file, writeDb, readDb)
      await this.storeNow()
      // The first read has made it, if it was not there.
      this.#log = file === null ? null : logOf(file)
    } catch (error) {
      this.#parts = undefined
      if (readDb !== undefined && readDb !== writeDb) readDb.close()
      this.#release(writeDb)
      throw toStoreError(error, "open", this.label)
    }
  }

  #checkPlace(): FileIdentity | null {
    if (this.#place.kind !== "file") return null
    checkSqliteVersion(process.versions["sqlite"] ?? "unknown")
    return prepareFile(this.#place.path)
  }

  async #openWriter(): Promise<DatabaseSync> {
    const place = this.#place
    if (place.kind === "shared") return place.db
    const [path, durability] =
      place.kind === "file"
        ? ([place.path, place.durability] as const)
        : ([":memory:", "full"] as const)
    try {
      return await untilFree("open", this, () => openWriter(path, durability))
    } catch (error) {
      throw toStoreError(error, "open", this.label)
    }
  }

  async #checkSchema(db: DatabaseSync, options: OpenOptions): Promise<void> {
    await untilFree("open", this, () => {
      refuseNewer(db, this.label)
      if (!options.migrate) refuseOlder(db, this.label)
      else if (migrationStatus(db).some(({ appliedAt }) => appliedAt === null)) {
        applyMigrations(db, this.now())
      }
    })
  }

  #assemble(file: FileIdentity | null, writeDb: DatabaseSync, readDb: DatabaseSync): OpenParts {
    const { label, clock, rng, events } = this
    const lanes = this.#place.kind === "shared" ? this.#place.lanes : new Lanes()
    const readStatements = new Statements(readDb)
    const statements = readDb === writeDb ? readStatements : new Statements(writeDb)
    const timer = this.#timer
    const tx = new WriteTx({ db: writeDb, statements, lanes, queues: new Queues(), timer })
    const failures = this.#failures
    const landed = (): void => this.#checkLanded()
    const held = (): Held => this.#openHeld(tx)
    const parts = { db: writeDb, tx, label, clock, rng, events, failures, landed, openHeld: held }
    const writer = new Writer(parts)
    const logKeeper = file === null ? null : new LogKeeper(writeDb, file.realPath, clock)
    return { file, writeDb, readDb, readStatements, lanes, writer, logKeeper }
  }

  #openHeld(tx: WriteTx): Held {
    const [place, timer] = [this.#place, this.#timer]
    // No second connection reaches a memory, and a shared one is handed out by whoever made it anyway.
    if (place.kind !== "file") return { tx, release: () => {} }
    const { file } = this.#require("transaction")
    assert(file !== null, "a place in a file has an identity")
    const { durability } = place
    return openHeld({ file, log: this.#log, durability, timer, instance: tx.instance })
  }

  async #close(): Promise<void> {
    // From this instant on the writer refuses; only an open that is under way is waited for before.
    if (this.#parts === undefined) await this.#opening?.catch(() => undefined)
    const parts = this.#parts
    if (parts === undefined) return
    await parts.writer.close()
    await parts.logKeeper?.close()
    this.#parts = undefined
    if (parts.readDb !== parts.writeDb) parts.readDb.close()
    this.#release(parts.writeDb)
  }

  #release(db: DatabaseSync): void {
    // A shared connection belongs to whoever made it.
    if (this.#place.kind !== "shared" && db.isOpen) db.close()
  }

  /** For migrations, which must also work on a database that `open` refuses. */
  async #withWriter<T>(operation: string, body: (db: DatabaseSync) => T): Promise<T> {
    if (this.#closing !== undefined) throw closedError(operation, this.label)
    const open = this.#parts?.writeDb
    if (open === undefined) this.#checkPlace()
    const db = open ?? (await this.#openWriter())
    try {
      return await untilFree(operation, this, () => {
        const isHeld = this.#parts?.writer.isHeld === true
        if (isHeld || db.isTransaction) throw transactionOpen(operation, this.label)
        return body(db)
      })
    } catch (error) {
      throw toStoreError(error, operation, this.label)
    } finally {
      if (open === undefined) this.#release(db)
    }
  }

  /**
   * Finds out whether the last commit lies where everybody looks for it; else nobody may hear that it is safe.
   * Two calls of `stat` for each transaction.
   */
  #checkLanded(): void {
    const file = this.file
    if (file !== null) checkIdentity(file)
    if (this.#log !== null) checkIdentity(this.#log)
    this.#parts?.logKeeper?.committed()
  }

  #require(operation: string): OpenParts {
    if (this.#parts === undefined) throw closedError(operation, this.label)
    return this.#parts
  }
}

function transactionOpen(operation: string, label: string): DroverError {
  return new DroverError(
    "DROVER_STORE_BUSY",
    `${operation} on ${label}: a transaction of this process is open; try again when it ended.`,
    { details: { operation, store: label } },
  )
}
