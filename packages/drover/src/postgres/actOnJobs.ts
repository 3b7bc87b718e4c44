import { finalStates, waitingStates } from "../store/index.ts"
import type { ActionReply, JobAction, JobSelection, JobState } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import { filterOf, lockMatching, selectIds } from "./selectJobs.ts"
import type { JobFilter } from "./selectJobs.ts"

// So many jobs in one transaction keep their locks for some tens of milliseconds.
const BATCH = 500

// Whoever names neither jobs nor states means those that the action can reach.
const REACHABLE: Readonly<Record<JobAction, readonly JobState[]>> = {
  cancel: [...waitingStates, "running"],
  retry: [...waitingStates, ...finalStates],
  discard: waitingStates,
  delete: [...waitingStates, ...finalStates],
}

type Outcome = keyof ActionReply

/**
 * Does to jobs what a person asks for, oldest first, in transactions of at most 500 jobs. Each job is looked at again
 * when it is locked: one that no longer matches the selection is left alone.
 */
export async function act(
  database: PostgresDatabase,
  action: JobAction,
  selection: JobSelection,
  options: { readonly actor: string; readonly reason: string; readonly limit: number },
): Promise<ActionReply> {
  const isOpen = selection.ids === undefined && selection.states === undefined
  const meant = isOpen ? { ...selection, states: REACHABLE[action] } : selection
  const reply = { changed: [] as string[], requested: [] as string[], refused: [] as string[] }
  const filter = filterOf(meant)
  if (filter === undefined) return reply
  const walk = { order: "oldest", after: null, limit: options.limit } as const
  const { ids } = await selectIds(database, "act", meant, walk)
  for (let at = 0; at < ids.length; at += BATCH) {
    const batch = ids.slice(at, at + BATCH)
    const body = (connection: Connection): Promise<readonly (readonly [string, Outcome])[]> =>
      actOnBatch(connection, { action, filter, batch, options })
    for (const [id, outcome] of await database.write("act", body)) reply[outcome].push(id)
  }
  return reply
}

async function actOnBatch(
  connection: Connection,
  request: {
    readonly action: JobAction
    readonly filter: JobFilter
    readonly batch: readonly string[]
    readonly options: { readonly actor: string; readonly reason: string }
  },
): Promise<readonly (readonly [string, Outcome])[]> {
  const { action, filter, batch, options } = request
  if (action === "retry" || action === "delete") await connection.query("lock_keys", [batch])
  const ids = await lockMatching(connection, filter, batch)
  if (ids.length === 0) return []
  if (action === "delete") {
    const deleted = await connection.query("delete_jobs", [ids])
    const gone = new Set(deleted.map(([id]) => id as string))
    return ids.map((id) => [id, gone.has(id) ? "changed" : "refused"])
  }
  const rows = await connection.query("act", [action, ids, options.actor, options.reason])
  return rows.map(([id, outcome]) => [id as string, outcome as Outcome])
}
