import { DroverError } from "../errors/index.ts"
import { maxLogBytes, maxLogLines, maxProgressBytes } from "../store/index.ts"
import type { AttemptRef, LogLine } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"

/*
 * What a handler leaves behind while it runs. Both kinds are bounded, and both carry the attempt's fence.
 */

/** Stores the latest progress of an attempt. @throws DroverError `DROVER_PAYLOAD_TOO_LARGE` above 16 KiB. */
export async function progress(
  { database }: StoreContext,
  { jobId, attempt, token }: AttemptRef,
  value: string,
): Promise<"stored" | "fenced"> {
  const bytes = Buffer.byteLength(value)
  if (bytes > maxProgressBytes) {
    throw new DroverError(
      "DROVER_PAYLOAD_TOO_LARGE",
      `The progress of job ${jobId} has ${bytes} bytes; at most ${maxProgressBytes} are stored. Store a summary.`,
      { details: { jobId, bytes, limit: maxProgressBytes } },
    )
  }
  const again = { repeatable: true }
  const values = [jobId, attempt, token, value]
  const rows = await database.statement("progress", "put_progress", values, again)
  return rows.length === 0 ? "fenced" : "stored"
}

/**
 * Appends lines to a job's log, which keeps the newest 1000 lines and 256 KiB of them over all attempts: of
 * a job that failed, the last attempt says most. What is not kept is counted.
 */
export function appendLog(
  { database }: StoreContext,
  { jobId, attempt, token }: AttemptRef,
  lines: readonly LogLine[],
  dropped: number,
): Promise<"stored" | "fenced"> {
  return database.write("appendLog", async (db) => {
    const held = await db.query("held_attempt", [jobId, attempt, token])
    if (held.length === 0) return "fenced"
    await append(db, jobId, lines, dropped)
    return "stored"
  })
}

async function append(
  db: Connection,
  job: string,
  lines: readonly LogLine[],
  dropped: number,
): Promise<void> {
  const [before = [0, 0, 0]] = await db.query("log_count", [job])
  const [keptBefore, bytesBefore, droppedBefore] = before as readonly [number, number, number]
  const fresh = newest(lines)
  let kept = keptBefore + fresh.length
  let bytes = bytesBefore + fresh.reduce((sum, line) => sum + sizeOf(line), 0)
  if (fresh.length > 0) await db.query("add_log", [job, textOf(fresh)])
  // The oldest go until the rest fits; a line that was just written fits by itself.
  while (kept > maxLogLines || bytes > maxLogBytes) {
    const many = Math.max(1, kept - maxLogLines)
    const rows = await db.query("oldest_log_lines", [job, many])
    await db.query("delete_log_lines", [rows.map(([seq]) => seq as number)])
    kept -= rows.length
    bytes -= rows.reduce((sum, [, size]) => sum + (size as number), 0)
  }
  const lost = dropped + keptBefore + lines.length - kept
  await db.query("put_log_count", [job, kept, bytes, droppedBefore + lost])
}

function textOf(lines: readonly LogLine[]): string {
  return JSON.stringify(
    lines.map(({ attempt, at, level, message, fields }) => [attempt, at, level, message, fields]),
  )
}

/** The last of the given lines that fit into a log by themselves. One that is larger than a log is left out. */
function newest(all: readonly LogLine[]): readonly LogLine[] {
  const lines = all.filter((line) => sizeOf(line) <= maxLogBytes)
  let bytes = 0
  let from = lines.length
  while (from > 0 && lines.length - from < maxLogLines) {
    const line = lines[from - 1]
    bytes += line === undefined ? 0 : sizeOf(line)
    if (bytes > maxLogBytes) break
    from -= 1
  }
  return lines.slice(from)
}

function sizeOf({ message, fields }: LogLine): number {
  return Buffer.byteLength(message) + (fields === null ? 0 : Buffer.byteLength(fields))
}
