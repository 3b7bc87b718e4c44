import { checkOptions, DroverError } from "../errors/index.ts"
import { checkCount } from "../jobs/define/names.ts"
import { finalStates, waitingStates } from "../store/index.ts"
import type { JobAction, JobSelection, JobState, Store } from "../store/index.ts"
import { resolveFilter } from "./jobFilter.ts"
import type { JobFilter } from "./jobFilter.ts"

/** One job by id, several by their ids, or all that a filter matches. */
export type ActionTarget = string | readonly string[] | JobFilter

/** How an action on jobs is done. */
export interface ActionOptions {
  /** Written to the trail of each job. @default "" */
  readonly reason?: string
  /** Only count the jobs that would be reached. @default false */
  readonly dryRun?: boolean
  /** Reach at most this many jobs, oldest first. @default 10 000 */
  readonly limit?: number
}

/** What an action did. */
export interface ActionReport {
  /** How many jobs the target matched in states that allow the action; never above `limit`. */
  readonly matched: number
  /** Whether `limit` ended it, so that more jobs may match. */
  readonly limited: boolean
  /** Ids of the jobs that were changed; empty in a dry run. */
  readonly changed: readonly string[]
  /** Ids of running jobs that were asked to stop. */
  readonly requested: readonly string[]
  /** Ids of jobs whose state does not allow the action, or whose unique key another job holds now. */
  readonly refused: readonly string[]
}

const OPTIONS: readonly (keyof ActionOptions)[] = ["reason", "dryRun", "limit"]
/** How many jobs an action reaches at most, unless it is told otherwise. */
export const DEFAULT_LIMIT = 10_000
const MAX_REASON = 1_000
// One transaction each, so that a large action never holds the database for long.
const STEP = 500

// What each action can reach. A job that was reached leaves the list, so that stepping through ends;
// running jobs, which stay until they have stopped, are asked in a pass of their own.
const REACH: Readonly<Record<JobAction, readonly JobState[]>> = {
  cancel: waitingStates,
  retry: ["scheduled", "retryable", ...finalStates],
  discard: waitingStates,
  delete: [...waitingStates, ...finalStates],
}

/**
 * Does something to jobs, in steps of 500.
 * @throws DroverError `DROVER_CONFIG` for a filter without any condition: it would reach every job.
 */
export async function actOn(
  store: Store,
  action: JobAction,
  target: ActionTarget,
  options: ActionOptions,
  actor: string,
): Promise<ActionReport> {
  checkOptions(options, OPTIONS, action)
  const limit = checkCount(options.limit ?? DEFAULT_LIMIT, `${action}.limit`)
  if (options.reason !== undefined && typeof options.reason !== "string") {
    throw new DroverError("DROVER_CONFIG", `${action}.reason: must be a text`)
  }
  const reason = (options.reason ?? "").slice(0, MAX_REASON).toWellFormed().replaceAll("\0", "")
  const passes = passesOf(action, target)
  if (options.dryRun === true) return countOnly(store, passes, limit)
  const report = { changed: [] as string[], requested: [] as string[], refused: [] as string[] }
  let left = limit
  for (const { selection, steps, whole } of passes) {
    // Refused jobs stay in the selection, before the others: each step looks past those of the steps before.
    const refused = new Set<string>()
    for (;;) {
      if (left <= 0) break
      const step = whole === true ? left : Math.min(left, STEP)
      const limit = step + refused.size
      const reply = await store.act(action, selection, { actor, reason, limit })
      const known = refused.size
      for (const id of reply.refused) refused.add(id)
      report.changed.push(...reply.changed)
      report.requested.push(...reply.requested)
      const reached = reply.changed.length + reply.requested.length + refused.size - known
      left -= reached
      if (!steps || reached < step) break
    }
    report.refused.push(...refused)
  }
  const matched = report.changed.length + report.requested.length
  return { matched, limited: left <= 0, ...report }
}

interface Pass {
  readonly selection: JobSelection
  /** Whether reached jobs leave the selection, so that it can be asked again. */
  readonly steps: boolean
  /** Whether it must be asked in one step, because what it reaches stays in the selection. */
  readonly whole?: boolean
}

function passesOf(action: JobAction, target: ActionTarget): readonly Pass[] {
  const filter = readTarget(target)
  const selection = resolveFilter(filter)
  if (Object.keys(selection).length === 0) {
    throw new DroverError(
      "DROVER_CONFIG",
      `${action}: an empty filter would reach every job; name what you mean, such as states`,
    )
  }
  if (selection.ids !== undefined) {
    // Named jobs are asked one step at a time whatever their state, so that the refused ones are reported.
    const passes: Pass[] = []
    for (let from = 0; from < selection.ids.length; from += STEP) {
      const ids = selection.ids.slice(from, from + STEP)
      passes.push({ selection: { ...selection, ids }, steps: false })
    }
    return passes
  }
  const wanted = (state: JobState): boolean => selection.states?.includes(state) ?? true
  const states = REACH[action].filter(wanted)
  const passes: Pass[] =
    states.length === 0 ? [] : [{ selection: { ...selection, states }, steps: true }]
  if (action === "cancel" && wanted("running")) {
    passes.push({ selection: { ...selection, states: ["running"] }, steps: false, whole: true })
  }
  return passes
}

function readTarget(target: ActionTarget): JobFilter {
  if (typeof target === "string") return { ids: [target] }
  return Array.isArray(target) ? { ids: target as readonly string[] } : (target as JobFilter)
}

async function countOnly(
  store: Store,
  passes: readonly Pass[],
  limit: number,
): Promise<ActionReport> {
  let matched = 0
  for (const { selection } of passes) matched += await store.count(selection, limit + 1)
  const limited = matched > limit
  return { matched: limited ? limit : matched, limited, changed: [], requested: [], refused: [] }
}
