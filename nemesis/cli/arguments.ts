import { parseArgs } from "node:util"

/** What the command line asks for. */
export interface Arguments {
  readonly store: "sqlite" | "postgres"
  readonly minutes: number | undefined
  readonly seed: string | undefined
  readonly mutant: string | null
  readonly mutants: boolean
  readonly json: boolean
  readonly help: boolean
}

export const help: string = `npm run nemesis -- [options]

  --store sqlite|postgres  the database under test (default sqlite)
  --minutes M              how long faults strike (default 2)
  --seed S                 of the faults and the workload (default drawn)
  --mutant NAME            plant a bug in the workers; succeeds when it is caught
  --mutants                plant every bug of the store, or that one, until it is caught; print the kill table
  --json                   print one JSON object and nothing else
`

/** Reads the command line. @throws Error for what cannot be read. */
export function readArguments(list: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...list],
    options: {
      store: { type: "string", default: "sqlite" },
      minutes: { type: "string" },
      seed: { type: "string" },
      mutant: { type: "string" },
      mutants: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  const { store, minutes, seed, mutant, ...switches } = values
  if (store !== "sqlite" && store !== "postgres")
    throw new Error(`--store: "${store}" is neither sqlite nor postgres`)
  return { store, minutes: readMinutes(minutes), seed, mutant: mutant ?? null, ...switches }
}

function readMinutes(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const minutes = Number(text)
  if (text.trim() !== "" && minutes > 0 && minutes <= 1_440) return minutes
  throw new Error(`--minutes: "${text}" is not a number of minutes above 0, up to a day`)
}
