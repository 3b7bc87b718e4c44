import { checkOptions, DroverError } from "../errors/index.ts"
import { readInstant } from "../jobs/define/newJobs.ts"
import { jobStates } from "../store/index.ts"
import type { JobSelection, JobState } from "../store/index.ts"

/** Which jobs. All given fields must match; a list matches if any of its entries does, `tags` if all do. */
export interface JobFilter {
  readonly ids?: readonly string[]
  readonly kinds?: readonly string[]
  readonly queues?: readonly string[]
  readonly states?: readonly JobState[]
  /** Jobs that carry all of these tags. */
  readonly tags?: readonly string[]
  /** Jobs whose unique key, as it was written, is this. */
  readonly uniqueKey?: string
  readonly enqueuedBefore?: Date | number
  /** At or after. */
  readonly enqueuedAfter?: Date | number
}

const LISTS = ["ids", "kinds", "queues", "states", "tags"] as const
const OPTIONS: readonly (keyof JobFilter)[] = [
  ...LISTS,
  "uniqueKey",
  "enqueuedBefore",
  "enqueuedAfter",
]
const MAX_ENTRIES = 1_000

/** Checks a filter and writes it as the store reads it. @throws DroverError `DROVER_CONFIG`. */
export function resolveFilter(filter: JobFilter): JobSelection {
  checkOptions(filter, OPTIONS, "filter")
  for (const name of LISTS) {
    const list: unknown = filter[name]
    if (list === undefined) continue
    const texts = Array.isArray(list) && list.every((entry) => typeof entry === "string")
    if (texts && list.length <= MAX_ENTRIES) continue
    throw new DroverError(
      "DROVER_CONFIG",
      `filter.${name}: must be a list of at most ${MAX_ENTRIES} texts`,
    )
  }
  for (const state of filter.states ?? []) {
    if (jobStates.includes(state)) continue
    const text = `filter.states: there is no state "${state}"; states: ${jobStates.join(", ")}`
    throw new DroverError("DROVER_CONFIG", text)
  }
  const { enqueuedBefore, enqueuedAfter, ...same } = filter
  // A field that says nothing must not count as a condition: whoever looks for one would find it and reach every job.
  const said = Object.entries(same).filter(
    ([name, value]) => value !== undefined && !(name === "tags" && value.length === 0),
  )
  return {
    ...(Object.fromEntries(said) as typeof same),
    ...(enqueuedBefore !== undefined && {
      enqueuedBefore: readInstant(enqueuedBefore, "filter.enqueuedBefore"),
    }),
    ...(enqueuedAfter !== undefined && {
      enqueuedAfter: readInstant(enqueuedAfter, "filter.enqueuedAfter"),
    }),
  }
}
