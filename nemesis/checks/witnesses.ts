import type { RunHistory } from "../history/runHistory.ts"

/**
 * The two witnesses of each process agree: what it appended to its file is in its database, but for the last line of
 * one that was killed between the two. A rig whose witnesses differ proves nothing.
 */
export function witnesses(history: RunHistory): string[] {
  const lines = new Map<number, string[]>()
  for (const record of history.records) {
    if (record.event !== "started" && record.event !== "ended" && record.event !== "aborted")
      continue
    const own = lines.get(record.pid) ?? []
    own.push(`${record.event} ${record.job} ${record.attempt}`)
    lines.set(record.pid, own)
  }
  const rows = Map.groupBy(history.seen, ({ pid }) => pid)
  return [...lines].flatMap(([pid, own]) => {
    const seen = (rows.get(pid) ?? []).map(
      ({ event, job, attempt }) => `${event} ${job} ${attempt}`,
    )
    const known = new Set(seen)
    const missing = own.filter((line) => !known.has(line))
    const mayMiss = history.deaths.get(pid)?.signal === "SIGKILL" ? 1 : 0
    const extra = seen.length - (own.length - missing.length)
    return missing.length <= mayMiss && extra === 0
      ? []
      : [`the witnesses of process ${pid} differ: ${missing.length} missing, ${extra} too many`]
  })
}
