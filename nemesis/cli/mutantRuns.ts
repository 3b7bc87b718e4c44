import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { hunted as all, huntedNamed } from "../mutants/index.ts"
import type { Arguments } from "./arguments.ts"
import { caughtBy } from "../mutants/planted.ts"
import type { Hunted } from "../mutants/planted.ts"
import type { RunReport } from "../run/runOptions.ts"

/** What became of one planted bug. */
export interface Kill {
  readonly mutant: string
  readonly what: string
  /** In which run it was caught; `null`: it survived. */
  readonly run: number | null
  readonly runs: number
  /** Those that are there for such a bug and complained. */
  readonly checkers: readonly string[]
  /** How many others complained as well. */
  readonly others: number
  readonly faults: number
  /** What the first of those checkers said that are there for such a bug. */
  readonly complaint: string | null
  /** Why it could not be hunted at all: it no longer fits the code, for one. */
  readonly error: string | null
}

/** Runs within which every planted bug must be caught, and how long faults strike in each. */
const MOST_RUNS = 10
const MINUTES = 0.4

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url))

/** Hunts every planted bug of a store, one after the other: the machine is busy enough with one fleet. */
export async function runMutants(
  { store, mutant: only }: Pick<Arguments, "store" | "mutant">,
  signal: AbortSignal,
  onKill: (kill: Kill) => void,
): Promise<readonly Kill[]> {
  const kills: Kill[] = []
  const some = only === null ? all[store] : [huntedNamed(only, store)]
  for (const each of some) {
    const kill = await hunt(store, each, signal)
    kills.push(kill)
    onKill(kill)
  }
  return kills
}

async function hunt(
  store: "sqlite" | "postgres",
  hunted: Hunted,
  signal: AbortSignal,
): Promise<Kill> {
  const { name, what } = hunted.mutant
  let faults = 0
  const survivor = {
    mutant: name,
    what,
    run: null,
    checkers: [],
    others: 0,
    complaint: null,
    error: null,
  }
  for (let run = 1; run <= MOST_RUNS; run++) {
    signal.throwIfAborted()
    const options = ["--store", store, "--mutant", name, "--minutes", String(MINUTES)]
    let report: RunReport
    try {
      report = await runOnce([...options, "--seed", String(run), "--json"], signal)
    } catch (error) {
      signal.throwIfAborted()
      return { ...survivor, runs: run, faults, error: String(error) }
    }
    faults += Object.values(report.faults).reduce((sum, count) => sum + count, 0)
    const meant = caughtBy(report.violations, hunted)
    const checkers = [...new Set(meant.map(({ checker }) => checker))]
    const others = new Set(report.violations.map(({ checker }) => checker)).size - checkers.length
    const complaint = meant[0]?.what ?? null
    if (complaint !== null)
      return { ...survivor, run, runs: run, checkers, others, faults, complaint }
  }
  return { ...survivor, runs: MOST_RUNS, faults }
}

function runOnce(options: readonly string[], signal: AbortSignal): Promise<RunReport> {
  const child = spawn(process.execPath, [...process.execArgv, MAIN, ...options], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    detached: true,
  })
  const end = (): void => void child.kill("SIGTERM")
  signal.addEventListener("abort", end)
  let output = ""
  child.stdout?.setEncoding("utf8")
  child.stdout?.on("data", (text: string) => (output += text))
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", () => {
      signal.removeEventListener("abort", end)
      try {
        resolve(JSON.parse(output) as RunReport)
      } catch {
        reject(new Error(`nemesis ${options.join(" ")} gave no report: ${output.slice(0, 500)}`))
      }
    })
  })
}

/** The kill table, as it stands in docs/nemesis.md. */
export function killTable(kills: readonly Kill[]): string {
  const rows = kills.map(({ mutant, what, run, checkers, others, faults }) => {
    const end = run === null ? "**survived**" : String(run)
    return `| ${mutant} | ${what} | ${end} | ${checkers.join(", ")}${others > 0 ? `, ${others} more` : ""} | ${faults} |`
  })
  return [
    "| planted bug | what is wrong | caught in run | by checkers | faults until then |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n")
}
