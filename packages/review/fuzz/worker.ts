/** A thread that tries cases by their numbers, so that one which never ends can be ended from outside. */
import { parentPort, workerData } from "node:worker_threads"
import { caseOf } from "./cases.ts"
import { readSeeds } from "./seeds.ts"
import { tryCase, type Failure, type Step } from "./tryCase.ts"

/** What the thread is told: which case. */
export type Order = number

export interface Answer {
  readonly index: number
  readonly kind: string
  readonly steps: readonly Step[]
  readonly failures: readonly Failure[]
  readonly findings: number
}

const { seed } = workerData as { readonly seed: number }
const seeds = readSeeds()

parentPort!.on("message", (index: Order) => {
  const one = caseOf(seed, index, seeds)
  void tryCase(one, processorMs).then((trial) => {
    parentPort!.postMessage({ index, kind: one.kind, ...trial } satisfies Answer)
  })
})

function processorMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
