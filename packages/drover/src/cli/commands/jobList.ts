import type { Drover } from "../../client/index.ts"
import type { Job } from "../../jobs/define/jobView.ts"
import type { Call } from "../command.ts"
import { plainJson, plainText } from "../plainText.ts"
import { table } from "../table.ts"
import type { Column } from "../table.ts"
import { exitCodes } from "../terminal.ts"
import type { ExitCode } from "../terminal.ts"
import { text, whole } from "../values.ts"
import { selectionOf } from "./selection.ts"

const columns: readonly Column<Job>[] = [
  { title: "id", of: ({ id }) => id },
  { title: "kind", of: ({ kind }) => kind, width: 32 },
  { title: "queue", of: ({ queue }) => queue, width: 20 },
  { title: "state", of: ({ state }) => state },
  { title: "prio", of: ({ priority }) => priority, align: "right" },
  { title: "attempt", of: ({ attempt }) => attempt, align: "right" },
  { title: "due", of: ({ runAt }) => runAt.toISOString() },
  { title: "about", of: aboutJob, width: 48 },
]

/** `drover jobs list`: a page of jobs, newest first. */
export async function listJobs(drover: Drover, call: Call): Promise<ExitCode> {
  const limit = whole(call.values, "limit", 1) ?? 50
  const after = text(call.values, "next") ?? null
  const { jobs, next } = await drover.list(selectionOf(call.values), { limit, after })
  if (call.json) {
    for (const job of jobs) call.terminal.out(plainJson(job))
  } else if (jobs.length > 0) call.terminal.out(table(columns, jobs))
  else call.terminal.out(next === null ? "No jobs." : "No jobs so far.")
  if (next !== null) {
    const what = jobs.length < limit ? "Not all jobs were looked at; go on with" : "More:"
    call.terminal.note(`${what} --next ${plainText(next)}`)
  }
  return exitCodes.ok
}

function aboutJob(job: Job): string {
  if (job.error !== null) return `${job.error.name}: ${job.error.message}`
  return job.reason ?? job.uniqueKey ?? job.tags.join(" ")
}
