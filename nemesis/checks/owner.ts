import type { RunHistory } from "../history/runHistory.ts"

/**
 * An attempt is settled by the process that claimed it, under the token it was claimed with, and at most one settlement
 * of an attempt is ever told that it was the one. An attempt that a worker ended in the trail was run by that worker.
 */
export function owner(history: RunHistory): string[] {
  const violations: string[] = []
  const claims = new Map<string, { readonly pid: number; readonly token: number }>()
  const settled = new Map<string, string>()
  for (const record of history.records) {
    if (record.event === "claimed") {
      const { job, attempt, pid, token } = record
      const known = claims.get(`${job} ${attempt}`)
      if (known !== undefined && (known.pid !== pid || known.token !== token))
        violations.push(
          `attempt ${attempt} of job ${job} was given to processes ${known.pid} and ${pid}`,
        )
      claims.set(`${job} ${attempt}`, { pid, token })
    }
    if (record.event !== "settled" || record.status === "fenced") continue
    const { job, attempt, token, pid, status } = record
    const claim = claims.get(`${job} ${attempt}`)
    if (claim === undefined || claim.pid !== pid || claim.token !== token)
      violations.push(`process ${pid} settled attempt ${attempt} of job ${job} without owning it`)
    if (status === "repeated") continue
    const first = settled.get(`${job} ${attempt}`)
    if (first !== undefined)
      violations.push(`attempt ${attempt} of job ${job} was settled as ${first} and ${status}`)
    settled.set(`${job} ${attempt}`, status)
  }
  return [...violations, ...endsByStrangers(history)]
}

function endsByStrangers({ trails, testimonies, records }: RunHistory): string[] {
  const pids = new Map<string, number>()
  for (const record of testimonies) {
    if (record.event === "joined") pids.set(record.worker, record.pid)
  }
  const runs = new Set<string>()
  for (const record of records) {
    if (record.event === "claimed" || record.event === "started")
      runs.add(`${record.job} ${record.attempt} ${record.pid}`)
  }
  return [...trails.values()].flat().flatMap(({ jobId, from, to, attempt, actor, workerId }) => {
    if (from !== "running" || actor !== null || workerId === null) return []
    const pid = pids.get(workerId)
    if (pid !== undefined && runs.has(`${jobId} ${attempt} ${pid}`)) return []
    return [`attempt ${attempt} of job ${jobId} went to ${to} by ${workerId}, which never ran it`]
  })
}
