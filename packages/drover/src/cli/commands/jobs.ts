import { DEFAULT_LIMIT } from "../../client/index.ts"
import type { ActionReport, ActionTarget } from "../../client/index.ts"
import type { JobAction } from "../../store/index.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { exitCodes } from "../terminal.ts"
import type { ExitCode } from "../terminal.ts"
import { takesOnly, text, whole } from "../values.ts"
import { showJob } from "./jobDetails.ts"
import { listJobs } from "./jobList.ts"
import { selectionOf, selectionOptions } from "./selection.ts"
import { plainJson } from "../plainText.ts"

const FILTERS = Object.keys(selectionOptions)
const ACTIONS: readonly JobAction[] = ["retry", "cancel", "discard", "delete"]

/** `drover jobs`: looks at jobs and acts on them, by id or by filter. */
export const jobs: Command = {
  name: "jobs",
  summary: "list, show, retry, cancel, discard or delete jobs",
  usage: [
    "jobs [list] [FILTERS] [--limit 50] [--next CURSOR]",
    "jobs show ID",
    "jobs retry|cancel|discard|delete ID… [--reason TEXT]",
    "jobs retry|cancel|discard|delete FILTERS [--dry-run | --yes] [--limit 10000]",
  ],
  options: {
    ...selectionOptions,
    limit: {
      type: "string",
      short: "n",
      value: "N",
      about: "at most so many jobs; an action reaches 10000 if not given",
    },
    next: { type: "string", value: "CURSOR", about: "list: the page that begins at this cursor" },
    reason: { type: "string", value: "TEXT", about: "why, for the trail" },
    "dry-run": { type: "boolean", about: "only count the jobs that would be reached" },
    yes: {
      type: "boolean",
      short: "y",
      about: "act on what the filters match, up to the limit, without asking first",
    },
  },
  async run(call) {
    const [verb = "list", ...ids] = call.positionals
    if (verb === "list") return listAll(ids, call)
    if (verb === "show") return showOne(ids, call)
    const action = ACTIONS.find((candidate) => candidate === verb)
    if (action === undefined)
      throw new UsageError(`jobs: there is no "${verb}"; list, show, ${ACTIONS.join(", ")}`)
    return act(action, ids, call)
  },
}

async function listAll(ids: readonly string[], call: Call): Promise<ExitCode> {
  if (ids.length > 0) throw new UsageError("jobs list takes filters; jobs show ID shows one job")
  takesOnly(call.values, "jobs list", [...FILTERS, "limit", "next"])
  return listJobs(await call.drover(), call)
}

async function showOne(ids: readonly string[], call: Call): Promise<ExitCode> {
  const [id, ...more] = ids
  if (id === undefined || more.length > 0) throw new UsageError("jobs show needs one ID")
  takesOnly(call.values, "jobs show", [])
  return showJob(await call.drover(), id, call)
}

async function act(action: JobAction, ids: readonly string[], call: Call): Promise<ExitCode> {
  takesOnly(call.values, `jobs ${action}`, [...FILTERS, "limit", "reason", "dry-run", "yes"])
  const filter = selectionOf(call.values)
  const filtered = Object.keys(filter).length > 0
  if (ids.length > 0 === filtered) {
    throw new UsageError(`jobs ${action} needs either IDs or filters, and not both`)
  }
  const drover = await call.drover()
  const target: ActionTarget = filtered ? filter : ids
  const limit = whole(call.values, "limit", 1)
  const options = {
    ...(limit !== undefined && { limit }),
    reason: text(call.values, "reason") ?? "",
  }
  // A filter may match more than its writer thinks, so it says how many before it does anything.
  const dryRun = call.values["dry-run"] === true
  if (dryRun || (filtered && call.values["yes"] !== true)) {
    const { matched, limited } = await drover[action](target, { ...options, dryRun: true })
    const jobs = matched === 1 ? "job" : "jobs"
    const most = limited ? ", as many as --limit allows" : ""
    if (call.json) call.terminal.out(plainJson({ action, dryRun: true, matched, limited }))
    else call.terminal.out(`would ${action} ${matched} ${jobs}${most}`)
    if (dryRun) return exitCodes.ok
    call.terminal.note("Nothing was done. Repeat with --yes to do it.")
    return exitCodes.usage
  }
  const report = await drover[action](target, options)
  if (report.limited) {
    const most = limit ?? DEFAULT_LIMIT
    call.terminal.note(
      `These are as many as --limit allows (${most}), and there may be more. Repeat the command, or give a higher limit.`,
    )
  }
  return printReport(action, ids, report, call)
}

const DONE: Readonly<Record<JobAction, string>> = {
  retry: "retried",
  cancel: "cancelled",
  discard: "discarded",
  delete: "deleted",
}

function printReport(
  action: JobAction,
  ids: readonly string[],
  report: ActionReport,
  call: Call,
): ExitCode {
  const reached = new Set([...report.changed, ...report.requested, ...report.refused])
  const missing = ids.filter((id) => !reached.has(id))
  if (call.json) call.terminal.out(plainJson({ action, ...report, missing }))
  else {
    call.terminal.out(`${DONE[action]} ${report.changed.length}`)
    if (report.requested.length > 0)
      call.terminal.out(`asked ${report.requested.length} running to stop`)
    for (const id of report.refused) call.terminal.note(`${id}: its state does not allow this`)
    for (const id of missing) call.terminal.note(`${id}: not found`)
  }
  if (missing.length > 0) return exitCodes.notFound
  return report.refused.length > 0 ? exitCodes.failed : exitCodes.ok
}
