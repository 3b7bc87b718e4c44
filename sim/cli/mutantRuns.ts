import { spawn } from "node:child_process"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { mutants } from "../mutants/mutants.ts"

/** What became of one planted bug; what a run with `--mutant NAME --json` prints. */
export interface Kill {
  readonly mutant: string
  /** `null`: it survived. */
  readonly seed: number | null
  readonly checker: string | null
  readonly message: string | null
  readonly seedsRun: number
  readonly realMs: number
  readonly faultsBefore: number
  readonly faults: readonly string[]
  readonly reproduction: string | null
}

/** Seeds within which every mutant must be caught. */
export const MUTANT_SEEDS = 200

const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url))

/** Runs every mutant in a process of its own, as many at once as there are processors. */
export async function runMutants(onKill: (kill: Kill) => void): Promise<readonly Kill[]> {
  const waiting = [...mutants]
  const kills = new Map<string, Kill>()
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const kill = await runMutant(mutant.name)
      kills.set(mutant.name, kill)
      onKill(kill)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return mutants.flatMap(({ name }) => kills.get(name) ?? [])
}

function runMutant(name: string): Promise<Kill> {
  const options = ["--mutant", name, "--seeds", String(MUTANT_SEEDS), "--json"]
  const child = spawn(process.execPath, [...process.execArgv, MAIN, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let output = ""
  child.stdout.setEncoding("utf8")
  child.stdout.on("data", (text: string) => (output += text))
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", () => {
      try {
        resolve(JSON.parse(output) as Kill)
      } catch {
        reject(new Error(`mutant ${name} printed no result: ${output.slice(0, 500)}`))
      }
    })
  })
}

/** The kill table, as it stands in docs/simulation.md. */
export function killTable(kills: readonly Kill[]): string {
  const rows = kills.map(({ mutant, seed, checker, realMs, faultsBefore, faults }) => {
    const end = seed === null ? "**survived**" : String(seed)
    const shrunk = seed === null ? "" : `${faultsBefore} → ${faults.length}: ${faults.join(", ")}`
    return `| ${mutant} | ${end} | ${checker ?? ""} | ${Math.round(realMs)} | ${shrunk.replace(/: $/, "")} |`
  })
  return [
    "| planted bug | caught by seed | checker | ms | faults, shrunk |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n")
}
