import { checkOptions, DroverError, nearest, show } from "../errors/index.ts"
import { workerOptionNames } from "../jobs/work/workerOptions.ts"
import type { WorkerOptions } from "../jobs/work/workerOptions.ts"

/** How a worker of a client works. */
export interface WorkOptions extends WorkerOptions {
  /**
   * Work only on these queues: a list of names, or names with slots of this worker's own.
   * @default all queues of the client
   */
  readonly queues?: readonly string[] | Readonly<Record<string, { readonly slots?: number }>>
}

type Slots = Readonly<Record<string, { readonly slots: number }>>

const OPTIONS: readonly (keyof WorkOptions)[] = [...workerOptionNames, "queues"]
const slotsAre = "write queues: { media: { slots: 4 } }"
const ADVICE = { concurrency: slotsAre, slots: slotsAre, queue: 'write queues: ["media"]' }

/** Refuses options that do not exist; what their values may be is the worker's to say. @throws DroverError `DROVER_CONFIG`. */
export function checkWorkOptions(options: WorkOptions): WorkOptions {
  checkOptions(options, OPTIONS, "work", ADVICE)
  return options
}

/** The queues of one worker, with their slots. @throws DroverError `DROVER_UNKNOWN_QUEUE` with a suggestion. */
export function chooseQueues(
  configured: ReadonlyMap<string, { readonly slots: number }>,
  chosen: WorkOptions["queues"],
): Slots {
  if (chosen === undefined) return Object.fromEntries(configured)
  if (typeof chosen !== "object" || chosen === null) {
    const problem = `work.queues: must be a list of names or an object of slots by name, not ${show(chosen)}`
    throw new DroverError("DROVER_CONFIG", problem, { details: { queues: chosen } })
  }
  const named: readonly (readonly [string, { readonly slots?: number }])[] = Array.isArray(chosen)
    ? (chosen as readonly string[]).map((name) => [name, {}])
    : Object.entries(chosen as Readonly<Record<string, { readonly slots?: number }>>)
  return Object.fromEntries(
    named.map(([name, options]) => {
      checkOptions(options, ["slots"], `work.queues.${name}`)
      const known = configured.get(name)
      if (known === undefined) throw unknownQueue(name, [...configured.keys()])
      return [name, { slots: options.slots ?? known.slots }]
    }),
  )
}

function unknownQueue(queue: string, known: readonly string[]): DroverError {
  const suggestion = nearest(queue, known)
  const hint =
    suggestion === undefined
      ? `add it to the client's \`queues\` (known: ${known.join(", ") || "none"})`
      : `did you mean "${suggestion}"?`
  return new DroverError("DROVER_UNKNOWN_QUEUE", `work: no queue is named "${queue}"; ${hint}`, {
    details: { queue },
  })
}
