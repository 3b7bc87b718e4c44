/**
 * Reads many texts with threads. A thread that is stuck or dies on a text costs that text, not the run: the text is the
 * oldest that it did not answer.
 */
import { Worker } from "node:worker_threads"
import { after } from "./clock.ts"
import type { PatternSource } from "./patterns.ts"
import type { FileFailure, FileJob, FileRecord } from "./record.ts"
import type { READY, WorkerAnswer, WorkerJob } from "./worker.ts"

/** What a thread has before it at once: enough that it never waits for the next message. */
const JOBS_IN_FLIGHT = 12
/** Without an answer for this long a thread is stuck: parsing ends by itself, even on a machine with much else to do. */
const STUCK_MS = 60_000
const HEAP_MB = 512
/** Threads that one seat may lose before it gives up on what is left. */
const MAX_LOST_THREADS = 8

export interface PoolOptions {
  readonly threads: number
  readonly patterns: readonly PatternSource[]
  readonly signal?: AbortSignal | undefined
  readonly onResult: (index: number, result: FileRecord | FileFailure) => void
  /** What a thread may hold, in megabytes; for tests. */
  readonly heapMb?: number
  /** Where threads go that have nothing left to read; without it they end. */
  readonly spare?: Worker[] | undefined
  /** Whether to hand out more; what was handed out is waited for. */
  readonly goesOn: () => Promise<boolean>
}

/**
 * @returns the indexes of jobs that nobody took, because no thread could be started here
 * @throws the signal's reason
 */
export async function readInThreads(
  jobs: readonly FileJob[],
  options: PoolOptions,
): Promise<readonly number[]> {
  // The longest first: what is left for the last thread that works is short.
  const queue = jobs
    .map((job, id): WorkerJob => ({ id, ...job }))
    .sort((a, b) => a.text.length - b.text.length)
  const threads = Math.min(options.threads, jobs.length)
  const seats = Array.from({ length: threads }, () => new Seat(queue, options))
  const stop = (): void => {
    for (const seat of seats) seat.fail(options.signal!.reason)
  }
  options.signal?.addEventListener("abort", stop, { once: true })
  try {
    await Promise.all(seats.map((seat) => seat.run()))
    return queue.map(({ id }) => id).sort((a, b) => a - b)
  } finally {
    options.signal?.removeEventListener("abort", stop)
    await Promise.all(seats.map((seat) => seat.close()))
  }
}

/** A thread that reads and checks (see worker.ts). */
export function startWorker(patterns: readonly PatternSource[], heapMb = HEAP_MB): Worker {
  // The name ends as this file's does: sources run as they are, and what is built is JavaScript.
  const name = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js"
  return new Worker(new URL(name, import.meta.url), {
    workerData: patterns,
    // What this program was started with, such as a script as text, is not for its threads.
    execArgv: [],
    // Trees live shortly: a larger nursery was no faster, and took 80 MB more for two threads.
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 24 },
  })
}

/** One thread after the other, as long as there is work. */
class Seat {
  readonly #queue: WorkerJob[]
  readonly #options: PoolOptions
  readonly #done = Promise.withResolvers<void>()
  readonly #inFlight = new Map<number, WorkerJob>()
  #worker: Worker | null = null
  #cancelWatch: () => void = () => undefined
  #isEnded = false
  #isReady = false
  #lost = 0

  constructor(queue: WorkerJob[], options: PoolOptions) {
    this.#queue = queue
    this.#options = options
  }

  async run(): Promise<void> {
    await this.#feed()
    await this.#done.promise
  }

  fail(reason: unknown): void {
    this.#isEnded = true
    this.#done.reject(reason instanceof Error ? reason : new Error(String(reason)))
  }

  async close(): Promise<void> {
    this.#isEnded = true
    this.#cancelWatch()
    // A rejection that came after the run was over is told by the first.
    this.#done.promise.catch(() => undefined)
    const worker = this.#worker
    if (!worker) return
    if (this.#inFlight.size > 0 || !this.#isReady || !this.#options.spare) {
      await worker.terminate()
      return
    }
    // Its events are no longer this seat's: a thread that fails while nobody needs it is no fault.
    this.#worker = null
    this.#options.spare.push(worker)
  }

  async #feed(): Promise<void> {
    try {
      if (this.#isEnded) return
      if (!(await this.#options.goesOn())) this.#queue.length = 0
      const jobs: WorkerJob[] = []
      while (this.#inFlight.size + jobs.length < JOBS_IN_FLIGHT) {
        const job = this.#queue.pop()
        if (!job) break
        jobs.push(job)
      }
      for (const job of jobs) this.#inFlight.set(job.id, job)
      if (this.#inFlight.size === 0) {
        this.#done.resolve()
        return
      }
      this.#worker ??= this.#start()
      if (jobs.length > 0) this.#worker.postMessage(jobs)
      this.#watch()
    } catch (error) {
      this.fail(error)
    }
  }

  #start(): Worker {
    const worker = startWorker(this.#options.patterns, this.#options.heapMb)
    this.#isReady = false
    worker.on("message", (message: WorkerAnswer | typeof READY) => {
      if (this.#worker !== worker) return
      if (typeof message === "string") {
        this.#isReady = true
        return
      }
      const { id, result } = message
      if (!this.#inFlight.delete(id)) return
      this.#options.onResult(id, result)
      if (this.#inFlight.size <= JOBS_IN_FLIGHT / 2) void this.#feed()
      else this.#watch()
    })
    worker.on("error", (error: Error) =>
      this.#replace(worker, `its thread failed: ${error.message}`),
    )
    worker.on("exit", () => this.#replace(worker, "its thread ended"))
    return worker
  }

  #watch(): void {
    this.#cancelWatch()
    const worker = this.#worker
    if (!worker || this.#inFlight.size === 0) return
    this.#cancelWatch = after(STUCK_MS, () => {
      void worker.terminate()
      this.#replace(worker, `reading it did not end within ${STUCK_MS} ms`)
    })
  }

  /** The oldest text without an answer is to blame; the others are read by the next thread. */
  #replace(worker: Worker, failure: string): void {
    if (this.#worker !== worker || this.#isEnded) return
    this.#worker = null
    if (!this.#isReady) {
      // No text is to blame for a thread that never began.
      this.#queue.push(...[...this.#inFlight.values()].reverse())
      this.#inFlight.clear()
      this.#done.resolve()
      return
    }
    const [guilty, ...others] = this.#inFlight.values()
    this.#inFlight.clear()
    if (guilty) this.#options.onResult(guilty.id, { failure })
    this.#queue.push(...others.reverse())
    if (++this.#lost >= MAX_LOST_THREADS) {
      for (const { id } of this.#queue.splice(0)) {
        this.#options.onResult(id, {
          failure: `${this.#lost} threads were lost before it was read`,
        })
      }
    }
    void this.#feed()
  }
}
