import { formatDuration } from "../../packages/drover/src/time/index.ts"
import { describeFault } from "../faults/fault.ts"
import { formatPlaces } from "../shrink/placeList.ts"
import type { Shrunk } from "../shrink/shrinkRun.ts"
import type { RunRequest } from "../world/seedConfig.ts"
import { missed } from "./coverage.ts"
import type { Series, Totals } from "./seedRuns.ts"

/** How much faster than reality the simulator ran. */
export function ratioOf(totals: Totals): number {
  return totals.realMs === 0 ? 0 : Math.round(totals.simulatedMs / totals.realMs)
}

/** The summary of a series, for people. */
export function summarize(series: Series, isFull: boolean): string {
  const { totals } = series
  const years = totals.simulatedMs / (365.25 * 86_400_000)
  const lines = [
    `${totals.runs} runs, ${totals.jobs} jobs, ${totals.events} events`,
    `simulated ${formatDuration(totals.simulatedMs)} (${years.toFixed(3)} years) in ${formatDuration(totals.realMs)}: ${ratioOf(totals)} × real time`,
    `faults: ${listed([...totals.faults].toSorted(([a], [b]) => (a < b ? -1 : 1)))}`,
    "sometimes:",
    ...totals.sometimes.entries().map(([name, times]) => `  ${String(times).padStart(7)}  ${name}`),
  ]
  const never = missed(totals.sometimes)
  if (never.length > 0) {
    lines.push(`never met${isFull ? "" : " (only a full run must meet all)"}: ${never.join("; ")}`)
  }
  for (const seed of series.differing) {
    lines.push(`NOT DETERMINISTIC: two runs of seed ${seed} have different histories`)
  }
  return lines.join("\n")
}

/** A failure with all that is needed to look into it. */
export function describeFailure(failure: Shrunk, mutant: string | undefined): string {
  const { request, result, faultsBefore, actionsBefore, runs } = failure
  const { violation, config } = result
  return [
    `seed ${request.seed} breaks a promise (checker "${violation?.checker}"):`,
    `  ${violation?.message}`,
    `shrunk in ${runs} runs from ${faultsBefore} faults and ${actionsBefore} actions to ${config.faults.length} and ${config.actions.length}, ${config.processes} processes:`,
    ...config.faults.map((fault) => `  ${describeFault(fault)}`),
    ...config.actions.map((action) => `  ${JSON.stringify(action)}`),
    "again:",
    `  ${reproduction(request, mutant)} --trace`,
  ].join("\n")
}

/** The command that repeats a run. */
export function reproduction(request: RunRequest, mutant: string | undefined): string {
  const parts = ["npm run sim --", `--seed ${request.seed}`]
  if (request.faults !== undefined) parts.push(`--faults ${formatPlaces(request.faults)}`)
  if (request.actions !== undefined) parts.push(`--actions ${formatPlaces(request.actions)}`)
  if (request.processes !== undefined) parts.push(`--processes ${request.processes}`)
  if (request.hours !== undefined) parts.push(`--hours ${request.hours}`)
  if (mutant !== undefined) parts.push(`--mutant ${mutant}`)
  return parts.join(" ")
}

function listed(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([name, times]) => `${name} ${times}`).join(", ")
}
