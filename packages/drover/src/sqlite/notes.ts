import { DroverError } from "../errors/index.ts"
import { maxLogBytes, maxLogLines, maxProgressBytes } from "../store/index.ts"
import type { AttemptRef, LogLine } from "../store/index.ts"
import type { StoreContext } from "./context.ts"
import type { WriteTx } from "./writeTx.ts"

/*
 * What a handler leaves behind while it runs. Both kinds are bounded, and both carry the attempt's fence.
 */

/** Stores the latest progress of an attempt. @throws DroverError `DROVER_PAYLOAD_TOO_LARGE` above 16 KiB. */
export async function progress(
  context: StoreContext,
  attempt: AttemptRef,
  value: string,
): Promise<"stored" | "fenced"> {
  const bytes = Buffer.byteLength(value)
  if (bytes > maxProgressBytes) {
    throw new DroverError(
      "DROVER_PAYLOAD_TOO_LARGE",
      `The progress of job ${attempt.jobId} has ${bytes} bytes; at most ${maxProgressBytes} are stored. Store a summary.`,
      { details: { jobId: attempt.jobId, bytes, limit: maxProgressBytes } },
    )
  }
  return context.write("progress", (tx) => {
    if (!isHeld(tx, attempt)) return "fenced"
    tx.statements.run("put_progress", attempt.ref, tx.now, value)
    return "stored"
  })
}

/**
 * Appends lines to a job's log, which keeps the newest 1000 lines and 256 KiB of them over all attempts: of
 * a job that failed, the last attempt says most. What is not kept is counted.
 */
export function appendLog(
  context: StoreContext,
  attempt: AttemptRef,
  lines: readonly LogLine[],
  dropped: number,
): Promise<"stored" | "fenced"> {
  return context.write(
    "appendLog",
    (tx) => {
      if (!isHeld(tx, attempt)) return "fenced"
      append(tx, attempt.ref as number, lines, dropped)
      return "stored"
    },
    Math.min(lines.length, maxLogLines),
  )
}

function isHeld(tx: WriteTx, { ref, attempt, token }: AttemptRef): boolean {
  return tx.statements.first("held_attempt", ref, attempt, token) !== undefined
}

function append(tx: WriteTx, job: number, lines: readonly LogLine[], dropped: number): void {
  const before = tx.statements.first("log_count", job) ?? [0, 0, 0]
  const [keptBefore, bytesBefore, droppedBefore] = before as [number, number, number]
  const fresh = newest(lines)
  let kept = keptBefore + fresh.length
  let bytes = bytesBefore + fresh.reduce((sum, line) => sum + sizeOf(line), 0)
  for (const { attempt, at, level, message, fields } of fresh) {
    tx.statements.run("add_log", job, attempt, at, level, message, fields)
  }
  // The oldest go until the rest fits; a line that was just written fits by itself.
  while (kept > maxLogLines || bytes > maxLogBytes) {
    const many = Math.max(1, kept - maxLogLines)
    const [removed, size] = removeOldest(tx, job, many)
    kept -= removed
    bytes -= size
  }
  const lost = dropped + keptBefore + lines.length - kept
  tx.statements.run("put_log_count", job, kept, bytes, droppedBefore + lost)
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

function removeOldest(tx: WriteTx, job: number, many: number): [number, number] {
  const rows = tx.statements.all("oldest_log_lines", job, many)
  let size = 0
  for (const [seq, bytes] of rows) {
    tx.statements.run("delete_log_line", seq as number)
    size += bytes as number
  }
  return [rows.length, size]
}

function sizeOf({ message, fields }: LogLine): number {
  return Buffer.byteLength(message) + (fields === null ? 0 : Buffer.byteLength(fields))
}
