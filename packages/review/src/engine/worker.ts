/** A thread that reads texts: each answer is posted at once, so that the pool sees on which text a thread is stuck. */
import { parentPort, workerData } from "node:worker_threads"
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

parentPort!.on("message", (jobs: readonly WorkerJob[]) => {
  work = work.then(async () => {
    for (const { id, ...job } of jobs) {
      const answer: WorkerAnswer = { id, result: await readRecord(job, sieve) }
      parentPort!.postMessage(answer)
    }
  })
})

parentPort!.postMessage(READY)
