/** A thread that reads texts: each answer is posted at once, so that the pool sees on which text a thread is stuck. */
import { parentPort, workerData } from "node:worker_threads"
import type { Checked } from "./check.ts"
import type { CheckTask, Named, TaskChecker } from "./checkTask.ts"
import type { Stored } from "./kept.ts"
import { Sieve, type PatternSource } from "./patterns.ts"
import { readRecord, type FileFailure, type FileJob, type FileRecord } from "./record.ts"

export interface WorkerJob extends FileJob {
  readonly id: number
}

/** What a thread posts first: it has loaded everything that it needs. */
export const READY = "ready"

export interface WorkerAnswer {
  readonly id: number
  readonly result: FileRecord | FileFailure
}

const sieve = new Sieve(workerData as readonly PatternSource[])
let work = Promise.resolve()

/** To check: a task first, then files of it, and the end. */
export type CheckRequest =
  | { readonly task: CheckTask }
  | { readonly files: readonly Named[] }
  | { readonly end: true }

export type CheckAnswer =
  | { readonly checked: readonly (readonly [path: string, checked: Checked])[] }
  | { readonly stored: Stored }

parentPort!.on("message", (message: readonly WorkerJob[] | CheckRequest) => {
  work = work.then(() => (isJobs(message) ? read(message) : check(message)))
})

function isJobs(message: readonly WorkerJob[] | CheckRequest): message is readonly WorkerJob[] {
  return Array.isArray(message)
}

async function read(jobs: readonly WorkerJob[]): Promise<void> {
  for (const { id, ...job } of jobs) {
    const answer: WorkerAnswer = { id, result: await readRecord(job, sieve) }
    parentPort!.postMessage(answer)
  }
}

let checker: TaskChecker | null = null

async function check(request: CheckRequest): Promise<void> {
  if ("task" in request) {
    // Who only reads needs no rules.
    const { TaskChecker } = await import("./checkTask.ts")
    checker = new TaskChecker(request.task)
    return
  }
  const answer: CheckAnswer =
    "files" in request ? { checked: checker!.check(request.files) } : { stored: checker!.stored }
  parentPort!.postMessage(answer)
}

parentPort!.postMessage(READY)
