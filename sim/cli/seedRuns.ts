import { Sometimes } from "../checks/sometimes.ts"
import { shrinkRun } from "../shrink/shrinkRun.ts"
import type { Shrunk } from "../shrink/shrinkRun.ts"
import { runSeed } from "../world/runSeed.ts"
import type { RunResult } from "../world/runSeed.ts"
import type { RunRequest } from "../world/seedConfig.ts"

/** What many runs gave together. */
export interface Totals {
  runs: number
  simulatedMs: number
  realMs: number
  events: number
  jobs: number
  readonly faults: Map<string, number>
  readonly sometimes: Sometimes
}

/** The end of a series: all clean, or the first failure. */
export interface Series {
  readonly totals: Totals
  readonly failure: Shrunk | undefined
  /** Seeds whose two runs gave different histories. */
  readonly differing: readonly number[]
  readonly last: RunResult | undefined
}

/** How to run a series. */
export interface SeriesOptions {
  readonly requests: readonly RunRequest[]
  /** Runs every n-th seed twice and compares; 0 for never. */
  readonly repeatEvery: number
  readonly keepTail: boolean
  /** Of a failure, take away faults only. */
  readonly faultsOnly: boolean
  /** Called after each run. */
  readonly onRun: (result: RunResult, done: number) => void
}

/** Runs one seed after the other and stops at the first that breaks a promise, which it shrinks. */
export async function runSeries(options: SeriesOptions): Promise<Series> {
  const totals: Totals = {
    runs: 0,
    simulatedMs: 0,
    realMs: 0,
    events: 0,
    jobs: 0,
    faults: new Map(),
    sometimes: new Sometimes(),
  }
  const differing: number[] = []
  let last: RunResult | undefined
  for (const request of options.requests) {
    last = await runSeed(request, { keepTail: options.keepTail })
    count(totals, last)
    options.onRun(last, totals.runs)
    if (last.violation !== undefined) {
      return { totals, failure: await shrinkRun(last, request, options), differing, last }
    }
    if (options.repeatEvery > 0 && totals.runs % options.repeatEvery === 1) {
      const again = await runSeed(request)
      if (again.hash !== last.hash) differing.push(request.seed)
    }
  }
  return { totals, failure: undefined, differing, last }
}

function count(totals: Totals, result: RunResult): void {
  totals.runs++
  totals.simulatedMs += result.simulatedMs
  totals.realMs += result.realMs
  totals.events += result.events
  totals.jobs += result.jobs
  for (const [name, times] of result.faults) {
    totals.faults.set(name, (totals.faults.get(name) ?? 0) + times)
  }
  totals.sometimes.add(result.sometimes)
}
