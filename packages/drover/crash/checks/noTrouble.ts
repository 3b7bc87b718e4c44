import type { History } from "../history.ts"

/**
 * No error reached a program. One is no fault: a lock that a paused process holds cannot be had, and who waits for it
 * says so after a while.
 */
export function noTrouble({ records, pauses }: History): string[] {
  return records.flatMap((record) => {
    if (record.event !== "trouble") return []
    const { what, pid, mono } = record
    const isPaused = pauses.some(
      ({ fromMono, toMono }) => mono >= fromMono && mono <= toMono + SLACK_MS,
    )
    if (isPaused && what.includes("DROVER_STORE_BUSY")) return []
    return [`process ${pid}: ${what}`]
  })
}

// Between the end of the pause and the last of those who gave up waiting.
const SLACK_MS = 1_000
