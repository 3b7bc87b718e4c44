import type { DatabaseSync } from "node:sqlite"
import { assert, DroverError } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import { BUSY_LIMIT_MS, busyDelayMs, reportBusy } from "./busyWait.ts"
import type { FailureReport } from "../store/index.ts"
import type { Held } from "./heldConnection.ts"
import { closedError, isBusy, toStoreError } from "./sqliteErrors.ts"
import type { WriteTx } from "./writeTx.ts"

/** What a writer works with. */
export interface WriterParts {
  readonly db: DatabaseSync
  readonly tx: WriteTx
  readonly label: string
  readonly clock: Clock
  readonly rng: Rng
  readonly events: Events
  readonly failures: FailureReport
  /** Called after each commit, before anybody hears of it. @throws when the commit went where nobody will find it. */
  landed(): void
  /** Called before each user's transaction for what it runs on. @throws like `begin immediate`. */
  openHeld(): Held
}

/** One write that waits for its transaction. */
interface Write {
  readonly operation: string
  readonly rows: number
  readonly queuedMono: number
  /** Its group failed, so it gets a transaction of its own, and only the guilty one fails. */
  alone: boolean
  readonly body: (tx: WriteTx) => unknown
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** A caller that holds the writer over several turns: a user's transaction. */
interface Hold {
  readonly operation: string
  readonly queuedMono: number
  /** Kept from one try to begin to the next. */
  held: Held | undefined
  readonly run: (held: Held) => Promise<void>
  readonly reject: (error: unknown) => void
}

// A transaction of this many rows takes about 30 ms, which bounds the gap in the event loop.
const MAX_ROWS = 4_000

/**
 * The one writer of a process. Writes that are asked for in the same turn of the event loop share one
 * transaction and so one sync to disk; when one of them throws, the group is rolled back and each runs
 * again in a transaction of its own. While another process holds the write lock, writes wait on a timer,
 * never inside SQLite, which would block the event loop.
 */
export class Writer {
  readonly #parts: WriterParts
  #queue: (Write | Hold)[] = []
  #scheduled = false
  #held = false
  #closed = false
  #busySinceMono: number | undefined
  #busyAttempts = 0
  #onIdle: (() => void)[] = []

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /** See `StoreContext.write`. */
  write<T>(operation: string, body: (tx: WriteTx) => T, rows = 1): Promise<T> {
    return new Promise((resolve, reject) => {
      const queuedMono = this.#parts.clock.monotonic()
      this.#add({ operation, rows, queuedMono, alone: false, body, resolve, reject })
    })
  }

  /**
   * Begins a transaction on what `openHeld` gives and hands it over until the promise of `hold` settles; all
   * other writes wait. The holder commits or rolls back itself. Rejects if the transaction could not begin.
   * Whoever hears of the end finds its connection released.
   */
  hold<T>(operation: string, hold: (tx: WriteTx) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const queuedMono = this.#parts.clock.monotonic()
      const run = ({ tx, release }: Held): Promise<void> => {
        const ended = hold(tx).finally(() => {
          release()
          this.#held = false
        })
        return ended.then(resolve, reject)
      }
      this.#add({ operation, queuedMono, held: undefined, run, reject })
    })
  }

  /** Whether a holder has the write lock now. */
  get isHeld(): boolean {
    return this.#held
  }

  /** Takes no more writes and resolves when those under way are settled. */
  close(): Promise<void> {
    this.#closed = true
    if (this.#isIdle()) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  #add(entry: Write | Hold): void {
    if (this.#closed) {
      entry.reject(closedError(entry.operation, this.#parts.label))
      return
    }
    this.#queue.push(entry)
    this.#schedule()
  }

  #isIdle(): boolean {
    return this.#queue.length === 0 && !this.#held
  }

  #schedule(): void {
    if (this.#scheduled || this.#held) return
    if (this.#queue.length === 0) {
      for (const resolve of this.#onIdle.splice(0)) resolve()
      return
    }
    this.#scheduled = true
    this.#parts.clock.defer(() => this.#flush())
  }

  #flush(): void {
    this.#scheduled = false
    const [head] = this.#queue
    if (head === undefined) return
    try {
      if ("run" in head) this.#beginHold(head)
      else this.#begin(this.#parts.tx)
    } catch (error) {
      this.#couldNotBegin(error)
      return
    }
    this.#begun(head.operation)
    if ("run" in head) this.#runHold(head)
    else this.#runGroup(this.#takeGroup())
  }

  #beginHold(entry: Hold): void {
    entry.held ??= this.#parts.openHeld()
    this.#begin(entry.held.tx)
  }

  #begin(tx: WriteTx): void {
    const { db } = tx
    // Several stores may share one connection (in memory): then an open transaction is another's lock.
    if (db.isTransaction) throw sharedBusy
    db.exec("begin immediate")
    try {
      tx.load()
    } catch (error) {
      rollback(tx)
      throw error
    }
  }

  #takeGroup(): Write[] {
    const group: Write[] = []
    let rows = 0
    for (const entry of this.#queue) {
      if ("run" in entry) break
      rows += entry.rows
      if (group.length > 0 && (entry.alone || rows > MAX_ROWS)) break
      group.push(entry)
      if (entry.alone) break
    }
    this.#queue.splice(0, group.length)
    return group
  }

  #runGroup(group: readonly Write[]): void {
    const { db, tx } = this.#parts
    const results: unknown[] = []
    try {
      for (const write of group) results.push(write.body(tx))
      tx.save()
      db.exec("commit")
    } catch (error) {
      rollback(tx)
      this.#groupFailed(group, error)
      return
    }
    try {
      this.#parts.landed()
    } catch (error) {
      for (const write of group) this.#reject(write, error)
      this.#schedule()
      return
    }
    for (const { operation } of group) this.#parts.failures.succeeded(operation)
    for (const [index, write] of group.entries()) write.resolve(results[index] as never)
    this.#schedule()
  }

  #groupFailed(group: readonly Write[], error: unknown): void {
    const [first] = group
    if (isBusy(error)) {
      this.#queue.unshift(...group)
      this.#wait(error)
      return
    }
    if (group.length === 1 && first !== undefined) {
      this.#reject(first, error)
    } else {
      for (const write of group) write.alone = true
      this.#queue.unshift(...group)
    }
    this.#schedule()
  }

  #runHold(entry: Hold): void {
    this.#queue.shift()
    this.#held = true
    assert(entry.held !== undefined, "a transaction that began has a connection")
    void entry.run(entry.held).then(() => this.#schedule())
  }

  #couldNotBegin(error: unknown): void {
    if (error === sharedBusy || isBusy(error)) {
      this.#wait(error)
      return
    }
    const [head] = this.#queue.splice(0, 1)
    if (head !== undefined) this.#reject(head, error)
    this.#schedule()
  }

  #wait(error: unknown): void {
    const { clock, rng } = this.#parts
    const nowMono = clock.monotonic()
    this.#busySinceMono ??= nowMono
    this.#busyAttempts += 1
    this.#rejectOverdue(nowMono, error)
    if (this.#queue.length === 0) {
      this.#schedule()
      return
    }
    this.#scheduled = true
    clock.setTimer(busyDelayMs(this.#busyAttempts, rng), () => this.#flush())
  }

  #rejectOverdue(nowMono: number, error: unknown): void {
    const { label } = this.#parts
    const overdue = this.#queue.filter((entry) => nowMono - entry.queuedMono >= BUSY_LIMIT_MS)
    if (overdue.length === 0) return
    this.#queue = this.#queue.filter((entry) => !overdue.includes(entry))
    for (const entry of overdue) {
      this.#reject(entry, error === sharedBusy ? sharedBusyError(entry.operation, label) : error)
    }
  }

  #reject(entry: Write | Hold, error: unknown): void {
    const { label, failures } = this.#parts
    const storeError = toStoreError(error, entry.operation, label)
    failures.failed(entry.operation, storeError)
    if ("run" in entry) entry.held?.release()
    entry.reject(storeError)
  }

  #begun(operation: string): void {
    if (this.#busySinceMono === undefined) return
    const { clock, events } = this.#parts
    reportBusy(events, operation, clock.monotonic() - this.#busySinceMono, this.#busyAttempts + 1)
    this.#busySinceMono = undefined
    this.#busyAttempts = 0
  }
}

// A full disk or an I/O error may have rolled back already; a second rollback would throw.
function rollback(tx: WriteTx): void {
  if (tx.db.isTransaction) tx.db.exec("rollback")
  tx.forget()
}

const sharedBusy = Symbol("another store on this connection has a transaction open")

function sharedBusyError(operation: string, label: string): DroverError {
  return new DroverError(
    "DROVER_STORE_BUSY",
    `${operation} on ${label} waited ${BUSY_LIMIT_MS} ms for a transaction on the same connection`,
    { details: { operation, store: label } },
  )
}
