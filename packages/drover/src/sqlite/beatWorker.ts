import { DatabaseSync } from "node:sqlite"
import { parentPort, workerData } from "node:worker_threads"
import { assert, DroverError, isDroverError } from "../errors/index.ts"
import { StoreClock } from "../lease/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { monoMark, STOP, TOUCHED } from "./beatSignals.ts"
import type { BeatMessage, BeatWorkerData } from "./beatSignals.ts"
import { busyDelayMs } from "./busyWait.ts"
import { persistedTime, readingOf } from "./clockStamp.ts"
import { checkIdentity } from "./safety.ts"
import { isBusy, toStoreError } from "./sqliteErrors.ts"
import { Statements } from "./statements.ts"

/*
 * The thread that beats for a worker process: a handler that blocks the event loop must not cost all its
 * neighbours their lease. It has its own connection and waits by blocking, which nothing can delay. It stops
 * beating while the main thread does not touch it: a process that hangs for good must be taken over.
 */

class Beats {
  readonly #data: BeatWorkerData
  readonly #post: (message: BeatMessage) => void
  readonly #clock: StoreClock = new StoreClock()
  #connection: DatabaseSync | undefined
  #statements: Statements | undefined
  #instance: unknown

  constructor(data: BeatWorkerData, post: (message: BeatMessage) => void) {
    this.#data = data
    this.#post = post
  }

  run(): void {
    this.#post({ type: "ready" })
    try {
      while (!this.#stopped() && this.#round() !== "lost") {
        // Never later than asked, and spread, so that a fleet that started together does not beat together.
        this.#wait(this.#data.everyMs * (0.85 + 0.15 * systemRng.next()))
      }
    } finally {
      this.#connection?.close()
    }
  }

  /** One beat, as soon as the main thread shows that it lives and the database lets it in. */
  #round(): "beaten" | "lost" {
    const { everyMs } = this.#data
    const endMono = systemClock.monotonic() + everyMs
    for (let tries = 1; !this.#stopped(); tries++) {
      const sentMono = systemClock.monotonic()
      if (this.#isStalledAt(sentMono)) {
        this.#wait(Math.min(1_000, everyMs / 10))
        tries = 0
        continue
      }
      try {
        if (!this.#beat()) {
          this.#post({ type: "lost" })
          return "lost"
        }
        this.#post({ type: "beat", sentMono })
        return "beaten"
      } catch (error) {
        if (!isBusy(error) || systemClock.monotonic() >= endMono) {
          this.#post(this.#describe(error))
          return "beaten"
        }
      }
      this.#wait(busyDelayMs(tries, systemRng))
    }
    return "beaten"
  }

  #beat(): boolean {
    checkIdentity(this.#data.file)
    const connection = this.#open()
    connection.exec("begin immediate")
    try {
      const held = this.#prolong()
      connection.exec("commit")
      return held
    } catch (error) {
      if (connection.isTransaction) connection.exec("rollback")
      throw error
    }
  }

  #prolong(): boolean {
    const statements = this.#statements
    assert(statements !== undefined, "the connection is open")
    const { ref, token, leaseMs } = this.#data
    const pulse = statements.first("read_pulse")
    this.#instance ??= pulse?.[0]
    if (pulse === undefined || pulse[0] !== this.#instance) {
      throw new DroverError(
        "DROVER_STORE_REPLACED",
        `The database ${this.#data.file.path} is not the one that was opened; it was restored or overwritten. Restart.`,
      )
    }
    const { storeAt, stamp } = persistedTime(pulse)
    const origin = systemClock.monotonicOrigin
    const wallMs = systemClock.now()
    const mono = systemClock.monotonic()
    const persistedMono = readingOf(stamp, origin)
    const readings = { persistedMs: storeAt, persistedMono, wallMs, mono }
    const { storeNow, sinceMono } = this.#clock.observe(readings)
    if (statements.run("beat_worker", storeNow, storeNow + leaseMs, ref, token) === 0) return false
    statements.run("advance_clock", storeNow, storeNow, sinceMono, origin ?? null)
    return true
  }

  #open(): DatabaseSync {
    if (this.#connection !== undefined) return this.#connection
    const connection = new DatabaseSync(this.#data.file.realPath, { timeout: 0 })
    // A beat that a power cut undoes is no loss, so it need not wait for the disk. Checkpoints are left to others.
    connection.exec(
      "pragma synchronous = normal; pragma wal_autocheckpoint = 0; pragma trusted_schema = off",
    )
    this.#statements = new Statements(connection)
    this.#connection = connection
    return connection
  }

  #describe(error: unknown): BeatMessage {
    const known = toStoreError(error, "beat", this.#data.file.path)
    if (isDroverError(known)) return { type: "error", code: known.code, message: known.message }
    return { type: "error", code: "DROVER_ASSERTION", message: String(error) }
  }

  #stopped(): boolean {
    return Atomics.load(this.#data.shared, STOP) === 1
  }

  #isStalledAt(mono: number): boolean {
    const silentMs = (monoMark(mono) - Atomics.load(this.#data.shared, TOUCHED)) | 0
    return silentMs > this.#data.stallMs
  }

  #wait(ms: number): void {
    Atomics.wait(this.#data.shared, STOP, 0, ms)
  }
}

assert(parentPort !== null, "beatWorker.ts is the entry of a thread")
const port = parentPort
new Beats(workerData as BeatWorkerData, (message) => port.postMessage(message)).run()
