import type { DatabaseSync, StatementSync } from "node:sqlite"
import { Worker } from "node:worker_threads"
import { ownFile } from "../store/index.ts"
import type { Clock } from "../time/index.ts"

// What SQLite itself takes for due: about 4 MiB.
const DUE_PAGES = 1_000
// Copying more at once would hold up the event loop for longer than anybody should wait.
const MOST_PAGES = 3_000
// While a reader keeps the log from being copied, trying at every commit would not help.
const RETRY_MS = 1_000

/**
 * Keeps the write-ahead log short. SQLite would do that inside of commits, however much there is to copy: after a
 * long reader has ended, one commit would stand still for a second for each 150 MB, and the event loop with it. So
 * the little that is usual is copied here, in a turn of its own after the commit was acknowledged, and what has
 * piled up is copied by a thread. Source: reliability.md S8.
 */
export class LogKeeper {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #clock: Clock
  readonly #look: StatementSync
  readonly #copy: StatementSync
  #triedMono = Number.NEGATIVE_INFINITY
  #planned = false
  #thread: Worker | undefined
  #closed = false

  /** @param db the connection that writes; its own checkpoints must be off. */
  constructor(db: DatabaseSync, path: string, clock: Clock) {
    this.#db = db
    this.#path = path
    this.#clock = clock
    // Says how long the log is and how much of it was copied, for less than a microsecond.
    this.#look = db.prepare("pragma wal_checkpoint(noop)")
    this.#copy = db.prepare("pragma wal_checkpoint(passive)")
    this.#look.setReturnArrays(true)
  }

  /** Something was committed. */
  committed(): void {
    if (this.#planned || this.#thread !== undefined || this.#left() < DUE_PAGES) return
    if (this.#clock.monotonic() - this.#triedMono < RETRY_MS) return
    this.#planned = true
    this.#clock.defer(() => {
      this.#planned = false
      // A transaction that has begun in between commits soon, and then this is asked again.
      if (!this.#closed && !this.#db.isTransaction) this.#shorten()
    })
  }

  /** Waits for the thread, if there is one. */
  async close(): Promise<void> {
    this.#closed = true
    const thread = this.#thread
    if (thread === undefined) return
    // Now somebody waits for it, so the process must not end before it does.
    thread.ref()
    await new Promise<void>((resolve) => thread.once("exit", () => resolve()))
  }

  #shorten(): void {
    const thread = this.#left() > MOST_PAGES ? startThread(this.#path) : undefined
    if (thread !== undefined) {
      this.#thread = thread
      thread.once("exit", () => {
        this.#thread = undefined
        this.#tried()
      })
      return
    }
    try {
      this.#copy.get()
    } catch {
      // Nothing is lost: the log stays as it is, and a later attempt, or a commit, says what is wrong.
    }
    this.#tried()
  }

  #tried(): void {
    const isDone = this.#closed || this.#left() < DUE_PAGES
    this.#triedMono = isDone ? Number.NEGATIVE_INFINITY : this.#clock.monotonic()
  }

  #left(): number {
    try {
      const [, pages = 0, copied = 0] = this.#look.get() as unknown as readonly number[]
      return Math.max(0, pages - copied)
    } catch {
      // It follows a commit that was made and must not make it look otherwise.
      return 0
    }
  }
}

/** @returns `undefined` where threads are not allowed. */
function startThread(path: string): Worker | undefined {
  try {
    const thread = new Worker(ownFile(import.meta.url, "checkpointWorker"), {
      workerData: path,
      execArgv: [],
      name: "drover-checkpoint",
    })
    // A process that ends meanwhile loses nothing.
    thread.unref()
    thread.on("error", () => {}) // like a failed checkpoint on the main thread
    return thread
  } catch {
    // By Node's permission model, for one. Then a pause is better than a log that only grows.
    return undefined
  }
}
