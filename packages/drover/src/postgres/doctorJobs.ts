import { formatDuration } from "../time/index.ts"
import type { HealthCheck } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import { finishedBytes } from "./upkeep.ts"

// A rescue comes within seconds of the end of a lease, where any worker lives.
const LEASE_GRACE_MS = 60_000
const WAIT_WARN_MS = 15 * 60_000
const CANCEL_GRACE_MS = 60_000
const HISTORY_WARN_BYTES = 20 * 1_073_741_824
const NAMED = 5

/** Whether workers whose lease ended long ago still hold jobs. */
export async function checkLeases(connection: Connection): Promise<HealthCheck> {
  const check = "stuck_leases"
  const stuck = await connection.ask("stuck_workers", [LEASE_GRACE_MS])
  const jobs = stuck.reduce((sum, row) => sum + (row[1] as number), 0)
  if (jobs === 0) {
    return { check, status: "ok", message: "No dead worker holds jobs.", value: 0 }
  }
  const names = some(stuck.map(([id]) => String(id)))
  const message = `${jobs} jobs are held by workers whose lease ended more than a minute ago (${names}). Start a worker: it takes them back within seconds.`
  return { check, status: "warn", message, value: jobs }
}

/** Whether due jobs wait for long. */
export async function checkOldestWaiting(connection: Connection): Promise<HealthCheck> {
  const check = "oldest_waiting"
  const [oldest] = await connection.ask("oldest_due")
  if (oldest === undefined) {
    return { check, status: "ok", message: "No job that is due waits.", value: 0 }
  }
  const [queue, kind, waitedMs] = oldest as readonly [string, string, number]
  const since = `The oldest job that is due (${kind} in queue ${queue}) has waited for ${formatDuration(waitedMs)}`
  if (waitedMs <= WAIT_WARN_MS)
    return { check, status: "ok", message: `${since}.`, value: waitedMs }
  const message = `${since}. Start more workers or give the queue more slots; "drover queues list" shows where the jobs are.`
  return { check, status: "warn", message, value: waitedMs }
}

/** Whether jobs are due that no live worker can run. */
export async function checkUnserved(connection: Connection): Promise<HealthCheck> {
  const check = "unserved_kinds"
  const workers = (await workerInfos(connection)).map(servedBy)
  const unserved = (await connection.ask("oldest_due"))
    .map(([queue, kind]) => ({ queue: String(queue), kind: String(kind) }))
    .filter(({ queue, kind }) => !workers.some((serves) => serves(queue, kind)))
    .map(({ queue, kind }) => `${kind} in queue ${queue}`)
  if (unserved.length === 0) {
    return { check, status: "ok", message: "Every job that is due has a worker for it.", value: 0 }
  }
  const message = `No live worker runs ${some(unserved)}, but such jobs are due. Start one with these jobs and queues, or discard the jobs.`
  return { check, status: "warn", message, value: unserved.length }
}

/** Whether handlers ignore that they were asked to stop. */
export async function checkCancels(connection: Connection): Promise<HealthCheck> {
  const check = "ignored_cancels"
  const ignored = await connection.ask("ignored_cancels", [CANCEL_GRACE_MS])
  if (ignored.length === 0) {
    return { check, status: "ok", message: "No cancel waits to be honoured.", value: 0 }
  }
  const names = some(ignored.map(([id, kind]) => `${String(id)} (${String(kind)})`))
  const message = `${ignored.length} jobs run on more than a minute after their cancel: ${names}. Their handlers do not listen to \`signal\`; restarting their worker ends them.`
  return { check, status: "warn", message, value: ignored.length }
}

/** How much room finished jobs take. */
export async function checkFinishedBytes(connection: Connection): Promise<HealthCheck> {
  const check = "finished_bytes"
  const value = await finishedBytes(connection)
  const size = `Finished jobs take about ${Math.ceil(value / 1_048_576)} MiB`
  if (value <= HISTORY_WARN_BYTES) return { check, status: "ok", message: `${size}.`, value }
  const message = `${size}. Shorten the retention of a worker, or see whether any worker runs: they prune.`
  return { check, status: "warn", message, value }
}

/** What a worker says that it serves. One that says nothing readable may serve everything. */
/** What the live workers say of themselves. */
export async function workerInfos(connection: Connection): Promise<readonly string[]> {
  return (await connection.ask("worker_infos")).map(([info]) => info as string)
}

function servedBy(info: string): (queue: string, kind: string) => boolean {
  try {
    const { kinds, queues } = JSON.parse(info) as { kinds?: unknown; queues?: unknown }
    if (!Array.isArray(kinds) || typeof queues !== "object" || queues === null) return () => true
    return (queue, kind) => kinds.includes(kind) && Object.hasOwn(queues, queue)
  } catch {
    return () => true
  }
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, NAMED).join(", ")
  return names.length > NAMED ? `${shown} and ${names.length - NAMED} more` : shown
}
