import { checkOptions, DroverError, nearest } from "../errors/index.ts"
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

/** Refuses what is no object of options; which of them exist is the worker's to say. @throws DroverError `DROVER_CONFIG`. */
export function checkWorkOptions(options: WorkOptions): WorkOptions {
  if (typeof options === "object" && options !== null) return options
  throw new DroverError("DROVER_CONFIG", "work: expected an object of options")
}

/** The queues of one worker, with their slots. @throws DroverError `DROVER_UNKNOWN_QUEUE` with a suggestion. */
export function chooseQueues(
  configured: ReadonlyMap<string, { readonly slots: number }>,
  chosen: WorkOptions["queues"],
): Slots {
  if (chosen === undefined) return Object.fromEntries(configured)
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
