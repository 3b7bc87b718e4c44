import { AssertionError } from "node:assert"
import type { Drover, JobList } from "../client/index.ts"
import { checkOptions } from "../errors/index.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import type { Job } from "../jobs/define/jobView.ts"
import { checkCount } from "../jobs/define/names.ts"
import { waitingStates } from "../store/index.ts"
import type { JobState } from "../store/index.ts"
import { differences } from "./partialMatch.ts"

/** What an enqueued job must be. Objects are matched in part: keys that are not named may have any value. */
export interface ExpectedJob {
  readonly input?: unknown
  readonly queue?: string
  readonly priority?: number
  readonly runAt?: Date
  readonly tags?: readonly string[]
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly uniqueKey?: string | null
  /** States to look in. @default the waiting ones */
  readonly states?: readonly JobState[]
  /** Exactly so many such jobs. @default at least one */
  readonly count?: number
}

const OPTIONS: readonly (keyof ExpectedJob)[] = [
  "input",
  "queue",
  "priority",
  "runAt",
  "tags",
  "metadata",
  "uniqueKey",
  "states",
  "count",
]
const PAGE = 1_000
const NEAR_MISSES = 3

/**
 * Asserts that a job of this kind waits.
 * @returns the newest one that matches.
 * @throws AssertionError that lists the nearest misses and how each differs.
 */
export async function assertEnqueued<Input, Result>(
  drover: Drover,
  definition: JobDefinition<Input, Result>,
  expected: ExpectedJob = {},
): Promise<Job<Input, Result>> {
  const { jobs, matches } = await search(drover, definition, expected)
  const enough =
    expected.count === undefined ? matches.length > 0 : matches.length === expected.count
  const [first] = matches
  if (enough && first !== undefined) return first as Job<Input, Result>
  const wanted = expected.count === undefined ? "a job" : `exactly ${expected.count} jobs`
  throw new AssertionError({
    message: `expected ${wanted} of kind ${definition.kind}${patternText(expected)}; found ${matches.length}${nearMisses(jobs, matches, expected)}`,
    stackStartFn: assertEnqueued,
  })
}

/** Asserts that no job of this kind that matches waits. @throws AssertionError that lists those that do. */
export async function assertNotEnqueued<Input, Result>(
  drover: Drover,
  definition: JobDefinition<Input, Result>,
  expected: Omit<ExpectedJob, "count"> = {},
): Promise<void> {
  const { matches } = await search(drover, definition, expected)
  if (matches.length === 0) return
  const found = matches.slice(0, NEAR_MISSES).map((job) => `\n  ${summary(job)}`)
  throw new AssertionError({
    message: `expected no job of kind ${definition.kind}${patternText(expected)}; found ${matches.length}:${found.join("")}`,
    stackStartFn: assertNotEnqueued,
  })
}

async function search(
  drover: Drover,
  definition: JobDefinition,
  expected: ExpectedJob,
): Promise<{ readonly jobs: JobList["jobs"]; readonly matches: JobList["jobs"] }> {
  checkOptions(expected, OPTIONS, "assertEnqueued")
  if (expected.count !== undefined) checkCount(expected.count, "assertEnqueued.count")
  const states = expected.states ?? waitingStates
  const jobs: Job[] = []
  // All of them: a job behind the first page is enqueued too.
  for (let after: string | null | undefined; after !== null;) {
    const page = { limit: PAGE, ...(after !== undefined && { after }) }
    const list = await drover.list({ kinds: [definition.kind], states }, page)
    jobs.push(...list.jobs)
    after = list.next
  }
  return { jobs, matches: jobs.filter((job) => differences(patternOf(expected), job).length === 0) }
}

function patternOf(expected: ExpectedJob): object {
  const { states, count, ...pattern } = expected
  void states
  void count
  return pattern
}

function patternText(expected: ExpectedJob): string {
  const pattern = patternOf(expected)
  return Object.keys(pattern).length === 0 ? "" : ` with ${JSON.stringify(pattern)}`
}

function nearMisses(
  jobs: JobList["jobs"],
  matches: JobList["jobs"],
  expected: ExpectedJob,
): string {
  const misses = jobs
    .filter((job) => !matches.includes(job))
    .map((job) => ({ job, wrong: differences(patternOf(expected), job) }))
    .toSorted((a, b) => a.wrong.length - b.wrong.length)
    .slice(0, NEAR_MISSES)
  if (misses.length === 0) return matches.length === 0 ? "; no job of this kind waits" : ""
  const lines = misses.map(({ job, wrong }) => `\n  ${summary(job)}\n    ${wrong.join("\n    ")}`)
  return `. Near misses:${lines.join("")}`
}

function summary(job: Job): string {
  return `${job.id} ${job.state} in ${job.queue}, due ${job.runAt.toISOString()}, input ${JSON.stringify(job.input)?.slice(0, 200)}`
}
