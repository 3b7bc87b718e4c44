import { formatDuration } from "../time/index.ts"
import type { HealthCheck } from "../store/index.ts"
import { oldestDue } from "./queueCounts.ts"
import type { ReadTx } from "./writeTx.ts"

// A rescue comes within seconds of the end of a lease, where any worker lives.
const LEASE_GRACE_MS = 60_000
const WAIT_WARN_MS = 15 * 60_000
const CANCEL_GRACE_MS = 60_000
const HISTORY_WARN_BYTES = 2 * 1_073_741_824
const NAMED = 5

/** Whether workers whose lease ended long ago still hold jobs. */
export function checkLeases(tx: ReadTx): HealthCheck {
  const check = "stuck_leases"
  const stuck = tx.statements.all("stuck_workers", tx.now - LEASE_GRACE_MS)
  const jobs = stuck.reduce((sum, row) => sum + (row[1] as number), 0)
  if (jobs === 0) {
    return { check, status: "ok", message: "No dead worker holds jobs.", value: 0 }
  }
  const names = some(stuck.map(([id]) => String(id)))
  const message = `${jobs} jobs are held by workers whose lease ended more than a minute ago (${names}). Start a worker: it takes them back within seconds.`
  return { check, status: "warn", message, value: jobs }
}

/** Whether due jobs wait for long. */
export function checkOldestWaiting(tx: ReadTx): HealthCheck {
  const check = "oldest_waiting"
  const paused = new Set(pausedQueues(tx))
  let oldest: { readonly at: number; readonly name: string } | undefined
  for (const [lane, queue, kind] of tx.statements.all("all_lanes")) {
    if (paused.has(queue as string)) continue
    const at = oldestDue(tx, lane as number)
    if (at === null || (oldest !== undefined && at >= oldest.at)) continue
    oldest = { at, name: `${String(kind)} in queue ${String(queue)}` }
  }
  if (oldest === undefined) {
    return { check, status: "ok", message: "No job that is due waits.", value: 0 }
  }
  const waitedMs = Math.max(0, tx.now - oldest.at)
  const since = `The oldest job that is due (${oldest.name}) has waited for ${formatDuration(waitedMs)}`
  if (waitedMs <= WAIT_WARN_MS)
    return { check, status: "ok", message: `${since}.`, value: waitedMs }
  const message = `${since}. Start more workers or give the queue more slots; "drover queues list" shows where the jobs are.`
  return { check, status: "warn", message, value: waitedMs }
}

/** Whether jobs are due that no live worker can run. */
export function checkUnserved(tx: ReadTx): HealthCheck {
  const check = "unserved_kinds"
  const workers = workerInfos(tx).map(servedBy)
  const unserved = tx.statements
    .all("all_lanes")
    .filter(([, queue, kind]) => !workers.some((serves) => serves(String(queue), String(kind))))
    .filter(([lane]) => oldestDue(tx, lane as number) !== null)
    .map(([, queue, kind]) => `${String(kind)} in queue ${String(queue)}`)
  if (unserved.length === 0) {
    return { check, status: "ok", message: "Every job that is due has a worker for it.", value: 0 }
  }
  const message = `No live worker runs ${some(unserved)}, but such jobs are due. Start one with these jobs and queues, or discard the jobs.`
  return { check, status: "warn", message, value: unserved.length }
}

/** Whether handlers ignore that they were asked to stop. */
export function checkCancels(tx: ReadTx): HealthCheck {
  const check = "ignored_cancels"
  const ignored = tx.statements.all("ignored_cancels", tx.now - CANCEL_GRACE_MS)
  if (ignored.length === 0) {
    return { check, status: "ok", message: "No cancel waits to be honoured.", value: 0 }
  }
  const names = some(ignored.map(([id, kind]) => `${String(id)} (${String(kind)})`))
  const message = `${ignored.length} jobs run on more than a minute after their cancel: ${names}. Their handlers do not listen to \`signal\`; restarting their worker ends them.`
  return { check, status: "warn", message, value: ignored.length }
}

/** How much room finished jobs take. */
export function checkFinishedBytes(tx: ReadTx): HealthCheck {
  const check = "finished_bytes"
  const value = (tx.statements.first("read_pulse")?.[4] as number | undefined) ?? 0
  const size = `Finished jobs take about ${Math.ceil(value / 1_048_576)} MiB`
  if (value <= HISTORY_WARN_BYTES) return { check, status: "ok", message: `${size}.`, value }
  const message = `${size}. Shorten the retention of a worker, or see whether any worker runs: they prune.`
  return { check, status: "warn", message, value }
}

function pausedQueues(tx: ReadTx): string[] {
  return tx.statements
    .all("all_queues")
    .filter(([, pausedAt]) => pausedAt !== null)
    .map(([name]) => String(name))
}

/** What a worker says that it serves. One that says nothing readable may serve everything. */
/** What the live workers say of themselves. */
export function workerInfos(tx: ReadTx): readonly string[] {
  return tx.statements.all("worker_infos", tx.now).map(([info]) => info as string)
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
