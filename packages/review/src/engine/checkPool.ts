/** Checks many files with threads. What they do not answer, for whatever reason, is left to whoever called. */
import type { Worker } from "node:worker_threads"
import type { Checked } from "./check.ts"
import type { CheckTask, Named } from "./checkTask.ts"
import type { Stored } from "./kept.ts"
import { startWorker } from "./pool.ts"
import type { CheckAnswer, CheckRequest } from "./worker.ts"

/** Files that a thread is handed at once: few enough that all end at about the same time. */
const CHUNK = 16

/**
 * Files in chunks, for threads that each begin at a place of their own. Files of one folder refer to each other: who
 * checks neighbours has most of what they refer to, and two who take turns would both have all of it.
 */
export class Chunks {
  readonly #shares: Named[][][]

  constructor(files: readonly Named[], threads: number) {
    const chunks: Named[][] = []
    for (let at = 0; at < files.length; at += CHUNK) chunks.push(files.slice(at, at + CHUNK))
    const each = Math.ceil(chunks.length / threads)
    this.#shares = Array.from({ length: threads }, (_, at) =>
      chunks.slice(at * each, (at + 1) * each),
    )
  }

  /** The next of a thread's own share; then the last of whoever has most left, which that one is furthest from. */
  next(thread: number): readonly Named[] | undefined {
    const own = this.#shares[thread]!.shift()
    if (own) return own
    let most = this.#shares[thread]!
    for (const share of this.#shares) if (share.length > most.length) most = share
    return most.pop()
  }
}

export interface CheckPoolOptions {
  readonly threads: number
  /** Threads that have read texts and wait. */
  readonly spare: Worker[]
  readonly signal: AbortSignal | undefined
  readonly goesOn: () => Promise<boolean>
  readonly onChecked: (path: string, checked: Checked) => void
  readonly onStored: (stored: Stored) => void
}

/** @throws the signal's reason */
export async function checkInThreads(
  task: CheckTask,
  files: readonly Named[],
  options: CheckPoolOptions,
): Promise<void> {
  const count = Math.min(options.threads, Math.ceil(files.length / CHUNK))
  const chunks = new Chunks(files, count)
  const workers = Array.from({ length: count }, () => options.spare.pop() ?? startWorker([]))
  const abort = Promise.withResolvers<never>()
  const onAbort = (): void => abort.reject(options.signal!.reason as Error)
  options.signal?.addEventListener("abort", onAbort, { once: true })
  try {
    await Promise.race([
      Promise.all(workers.map((worker, at) => serve(worker, task, () => chunks.next(at), options))),
      abort.promise,
    ])
  } finally {
    options.signal?.removeEventListener("abort", onAbort)
    abort.promise.catch(() => undefined)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** One thread until there is nothing left, or until it fails. */
async function serve(
  worker: Worker,
  task: CheckTask,
  take: () => readonly Named[] | undefined,
  { goesOn, onChecked, onStored }: CheckPoolOptions,
): Promise<void> {
  const done = Promise.withResolvers<void>()
  const post = (request: CheckRequest): void => worker.postMessage(request)
  const next = async (): Promise<void> => {
    const chunk = (await goesOn()) ? take() : undefined
    post(chunk ? { files: chunk } : { end: true })
  }
  worker.on("message", (answer: CheckAnswer | string) => {
    if (typeof answer === "string" || !("checked" in answer || "stored" in answer)) return
    if ("stored" in answer) {
      onStored(answer.stored)
      done.resolve()
      return
    }
    for (const [path, checked] of answer.checked) onChecked(path, checked)
    void next().catch(() => done.resolve())
  })
  worker.on("error", () => done.resolve())
  worker.on("exit", () => done.resolve())
  post({ task })
  await next()
  await done.promise
}
