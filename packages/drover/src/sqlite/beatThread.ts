import { Worker } from "node:worker_threads"
import { assert, DroverError } from "../errors/index.ts"
import { ownFile } from "../store/index.ts"
import type { BeatThread, BeatThreadOptions } from "../store/index.ts"
import { systemClock } from "../time/index.ts"
import { monoMark, STOP, TOUCHED } from "./beatSignals.ts"
import type { BeatMessage, BeatWorkerData } from "./beatSignals.ts"
import type { StoreContext } from "./context.ts"

const RESTART_MS = 1_000

/**
 * Starts the thread that beats for a worker; its work is described in `beatWorker.ts`. The thread never
 * keeps the process alive. It runs on the machine's own clock, so a store on any other clock has none.
 * @returns once the thread runs; the first beat may still be under way.
 */
export async function startBeatThread(
  { file }: StoreContext,
  options: BeatThreadOptions,
): Promise<BeatThread> {
  assert(file !== null, "only a file can be reached from another thread")
  const { worker, leaseMs, everyMs, stallMs } = options
  assert(typeof worker.ref === "number", "a worker of this store has a number as its ref")
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const data = { file, ref: worker.ref, token: worker.token, leaseMs, everyMs, stallMs, shared }
  const thread = new ThreadHandle(data, options)
  try {
    await thread.start()
  } catch (error) {
    await thread.stop()
    throw error
  }
  return thread
}

class ThreadHandle implements BeatThread {
  readonly #data: BeatWorkerData
  readonly #options: BeatThreadOptions
  #thread: Worker | undefined
  #ended: Promise<void> = Promise.resolve()
  #finished = false

  constructor(data: BeatWorkerData, options: BeatThreadOptions) {
    this.#data = data
    this.#options = options
    this.touch()
  }

  start(): Promise<void> {
    const thread = new Worker(ownFile(import.meta.url, "beatWorker"), {
      workerData: this.#data,
      // The user's loaders and inspectors have no business in it.
      execArgv: [],
      name: "drover-beat",
    })
    thread.unref()
    this.#thread = thread
    this.#ended = new Promise((resolve) => {
      thread.once("exit", () => {
        resolve()
        this.#restart()
      })
    })
    return new Promise((resolve, reject) => {
      thread.on("message", (message: BeatMessage) => {
        if (message.type === "ready") resolve()
        else this.#receive(message)
      })
      // Before it was ready, an error fails the start; later it is only reported.
      thread.on("error", (cause) => {
        const error = new DroverError("DROVER_CRASHED", `The beat thread died: ${String(cause)}`, {
          cause,
        })
        reject(error)
        this.#fail(error)
      })
    })
  }

  touch(): void {
    Atomics.store(this.#data.shared, TOUCHED, monoMark(systemClock.monotonic()))
  }

  async stop(): Promise<void> {
    this.#finished = true
    Atomics.store(this.#data.shared, STOP, 1)
    Atomics.notify(this.#data.shared, STOP)
    // Whoever stops waits for the end: without this, a process with nothing else to do would leave first.
    this.#thread?.ref()
    await this.#ended
  }

  #receive(message: Exclude<BeatMessage, { type: "ready" }>): void {
    if (this.#finished) return
    if (message.type === "beat") this.#options.onBeat(message.sentMono)
    else if (message.type === "error") this.#fail(new DroverError(message.code, message.message))
    else {
      this.#finished = true
      this.#options.onLost()
    }
  }

  #fail(error: DroverError): void {
    if (!this.#finished) this.#options.onError(error)
  }

  /** A thread that died without being told to is started again: its lease lives longer than a start takes. */
  #restart(): void {
    if (this.#finished) return
    systemClock.setTimer(
      RESTART_MS,
      () => {
        if (!this.#finished) this.start().catch(() => {}) // reported by its error listener
      },
      { ref: false },
    )
  }
}
