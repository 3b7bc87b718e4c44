import type { Mutant } from "../mutants/mutant.ts"
import { faultName } from "../faults/fault.ts"
import regressions from "../regressions/seeds.json" with { type: "json" }
import type { RunRequest } from "../world/seedConfig.ts"
import type { Arguments } from "./arguments.ts"
import { missed } from "./coverage.ts"
import { killTable, MUTANT_SEEDS, runMutants } from "./mutantRuns.ts"
import type { Kill } from "./mutantRuns.ts"
import { describeFailure, ratioOf, reproduction, summarize } from "./report.ts"
import { runSeries } from "./seedRuns.ts"
import type { Series } from "./seedRuns.ts"

// From this many seeds on a run is full: everything interesting must have been met.
const FULL_RUN = 100
const REPEAT_EVERY = 20
const PROGRESS_EVERY = 50

/** Runs seeds, mutants or both. @returns the exit code. */
export async function runCommand(given: Arguments): Promise<number> {
  if (given.mutants) return await runKillTable(given)
  const code = await runSeeds(given)
  if (!given.ci || code !== 0) return code
  return await runKillTable(given)
}

/** Runs seeds with a planted bug until it is caught. @returns 0 when it was. */
export async function runMutantCommand(mutant: Mutant, given: Arguments): Promise<number> {
  const requests = requestsOf(given, MUTANT_SEEDS)
  const series = await runSeries({
    requests,
    repeatEvery: 0,
    keepTail: given.trace,
    faultsOnly: given.json,
    onRun: () => {},
  })
  const kill = killOf(mutant, series)
  if (given.json) print(JSON.stringify(kill))
  else if (series.failure !== undefined) {
    if (given.trace) print((series.last?.tail ?? []).join(""))
    print(`${mutant.name}: ${mutant.what}`)
    print(describeFailure(series.failure, mutant.name))
  } else print(`${mutant.name} SURVIVED ${series.totals.runs} seeds: ${mutant.what}`)
  return series.failure === undefined ? 1 : 0
}

async function runSeeds(given: Arguments): Promise<number> {
  const requests = requestsOf(given, given.seed === undefined ? FULL_RUN : 1)
  const isFull = requests.length >= FULL_RUN
  const series = await runSeries({
    requests,
    repeatEvery: isFull ? REPEAT_EVERY : given.checkDeterminism ? 1 : 0,
    keepTail: given.trace,
    faultsOnly: false,
    onRun: (_, done) => {
      if (!given.json && done % PROGRESS_EVERY === 0) progress(`${done} of ${requests.length} runs`)
    },
  })
  if (given.trace) print((series.last?.tail ?? []).join(""))
  if (given.json) print(JSON.stringify(jsonOf(series)))
  else {
    print(summarize(series, isFull))
    if (series.failure !== undefined) print(describeFailure(series.failure, undefined))
  }
  const isCovered = !isFull || missed(series.totals.sometimes).length === 0
  const isClean = series.failure === undefined && series.differing.length === 0
  return isClean && isCovered ? 0 : 1
}

async function runKillTable(given: Arguments): Promise<number> {
  const kills = await runMutants(({ mutant, seed }) => {
    if (!given.json) progress(`${mutant}: ${seed === null ? "SURVIVED" : `caught by seed ${seed}`}`)
  })
  print(given.json ? JSON.stringify(kills) : killTable(kills))
  return kills.every(({ seed }) => seed !== null) ? 0 : 1
}

function requestsOf(given: Arguments, defaultSeeds: number): readonly RunRequest[] {
  const { seed, hours, processes, faults, actions } = given
  const first = seed ?? 1
  const count = given.seeds ?? defaultSeeds
  const drawn = Array.from({ length: count }, (_, i) => ({
    seed: first + i,
    hours,
    processes,
    faults,
    actions,
  }))
  // Seeds that once found a bug come first, unless somebody asks for certain ones.
  const isWhole = seed === undefined && given.mutant === undefined
  return isWhole ? [...(regressions as readonly RunRequest[]), ...drawn] : drawn
}

function killOf(mutant: Mutant, { failure, totals, last }: Series): Kill {
  const result = failure?.result
  return {
    mutant: mutant.name,
    seed: result?.seed ?? null,
    checker: last?.violation?.checker ?? null,
    message: result?.violation?.message ?? null,
    seedsRun: totals.runs,
    realMs: totals.realMs,
    faultsBefore: failure?.faultsBefore ?? 0,
    faults: result?.config.faults.map((fault) => faultName(fault)) ?? [],
    reproduction: failure === undefined ? null : reproduction(failure.request, mutant.name),
  }
}

function jsonOf(series: Series): Readonly<Record<string, unknown>> {
  const { totals, failure, differing } = series
  return {
    runs: totals.runs,
    jobs: totals.jobs,
    events: totals.events,
    simulatedMs: totals.simulatedMs,
    realMs: totals.realMs,
    ratio: ratioOf(totals),
    faults: Object.fromEntries(totals.faults),
    sometimes: Object.fromEntries(totals.sometimes.entries()),
    neverMet: missed(totals.sometimes),
    notDeterministic: differing,
    failure:
      failure === undefined
        ? null
        : {
            seed: failure.request.seed,
            ...failure.result.violation,
            faults: failure.result.config.faults,
            reproduction: reproduction(failure.request, undefined),
          },
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}
