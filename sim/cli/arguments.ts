import { parseArgs } from "node:util"
import { parsePlaces } from "../shrink/placeList.ts"

/** What the command line asks for. */
export interface Arguments {
  /** First seed; `undefined` leaves it to the command. */
  readonly seed: number | undefined
  readonly seeds: number | undefined
  readonly hours: number | undefined
  readonly processes: number | undefined
  readonly faults: readonly number[] | undefined
  readonly actions: readonly number[] | undefined
  readonly mutant: string | undefined
  readonly mutants: boolean
  readonly ci: boolean
  readonly checkDeterminism: boolean
  readonly trace: boolean
  readonly json: boolean
  readonly help: boolean
}

export const help: string = `npm run sim -- [options]

  --seeds N             run N seeds (default 100; 1 with --seed)
  --seed S              start at seed S
  --hours H             simulate H hours with faults in each run (default: drawn, 12 to 75 minutes)
  --mutant NAME         plant a bug; succeeds when it is caught
  --mutants             plant every bug and print the kill table
  --ci                  100 seeds, then all mutants
  --check-determinism   run every seed twice and compare the hashes; a full run does so with some
  --faults LIST         only these faults of a seed, such as 3,7-9 or none
  --actions LIST        only these actions of a seed
  --processes N         as many processes
  --trace               print the history of the last run
  --json                print one JSON object
`

/** Reads the command line. @throws Error for what cannot be read. */
export function readArguments(list: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...list],
    options: {
      seed: { type: "string" },
      seeds: { type: "string" },
      hours: { type: "string" },
      processes: { type: "string" },
      faults: { type: "string" },
      actions: { type: "string" },
      mutant: { type: "string" },
      mutants: { type: "boolean", default: false },
      ci: { type: "boolean", default: false },
      "check-determinism": { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  return {
    seed: readNumber(values.seed, "seed", 0),
    seeds: readNumber(values.seeds, "seeds", 1),
    hours: readNumber(values.hours, "hours", 0.01),
    processes: readNumber(values.processes, "processes", 1),
    faults: values.faults === undefined ? undefined : parsePlaces(values.faults),
    actions: values.actions === undefined ? undefined : parsePlaces(values.actions),
    mutant: values.mutant,
    mutants: values.mutants,
    ci: values.ci,
    checkDeterminism: values["check-determinism"],
    trace: values.trace,
    json: values.json,
    help: values.help,
  }
}

function readNumber(text: string | undefined, name: string, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (text.trim() !== "" && Number.isFinite(value) && value >= least) return value
  throw new Error(`--${name}: "${text}" is not a number of at least ${least}`)
}
