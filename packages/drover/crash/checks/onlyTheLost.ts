import type { History } from "../history.ts"

/** Jobs are taken only from processes that died or were paused: nobody who lives and beats loses one. */
export function onlyTheLost({ records, trails, deaths, pauses }: History): string[] {
  const owners = new Map<string, number>()
  for (const record of records) {
    // A process that died right after its claim saw the start of nothing; its claims are known by its death.
    if (record.event === "claimed" || record.event === "started") {
      owners.set(`${record.job} ${record.attempt}`, record.pid)
    }
  }
  return [...trails.values()].flat().flatMap(({ jobId, attempt, from, actor, at }) => {
    const pid = owners.get(`${jobId} ${attempt}`)
    if (from !== "running" || actor !== "rescue" || pid === undefined) return []
    const diedAt = deaths.get(pid)?.at ?? Number.POSITIVE_INFINITY
    const pausedAt = pauses.find((pause) => pause.pid === pid)?.fromAt ?? Number.POSITIVE_INFINITY
    if (at >= Math.min(diedAt, pausedAt) - SLACK_MS) return []
    return [`job ${jobId}: attempt ${attempt} was taken from process ${pid}, which lived`]
  })
}

// Between the kill and the moment in which the driver hears of it.
const SLACK_MS = 1_000
