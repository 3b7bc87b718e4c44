import { decodePayload } from "../../store/index.ts"
import type {
  JobLog,
  JobRow,
  JobState,
  LogLine,
  StoredError,
  TrailEntry,
} from "../../store/index.ts"
import { unlimitedAttempts } from "./newJobs.ts"

/** A job as users see it: instants are dates, payloads are values. */
export interface Job<Input = unknown, Result = unknown> {
  readonly id: string
  readonly kind: string
  readonly queue: string
  readonly state: JobState
  readonly priority: number
  /** How many times it was started. */
  readonly attempt: number
  /** How many attempts the handler failed. */
  readonly failures: number
  /** How many attempts ended with the death of their process. */
  readonly crashes: number
  /** How many attempts were cut short through no fault of the job. */
  readonly interruptions: number
  /** `false` for no limit. */
  readonly maxAttempts: number | false
  readonly maxCrashes: number
  /** Set for this job alone; `null` is the kind's, `false` is none. */
  readonly timeoutMs: number | false | null
  readonly enqueuedAt: Date
  /** When it is or was due. */
  readonly runAt: Date
  readonly expiresAt: Date | null
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  /** When somebody asked for its cancel while it ran. */
  readonly cancelRequestedAt: Date | null
  /** Who did: the `actor` of that client. */
  readonly cancelRequestedBy: string | null
  /** The worker that runs it now, or `null`. */
  readonly workerId: string | null
  readonly input: Input
  /** What the handler returned; `undefined` unless completed. */
  readonly result: Result | undefined
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  /** The last failure. */
  readonly error: StoredError | null
  /** Why it ended or waits, in a word or a sentence. */
  readonly reason: string | null
  readonly uniqueKey: string | null
  readonly progress: { readonly value: unknown; readonly at: Date } | null
  /**
   * Which of `input`, `result`, `metadata` and `progress` are not JSON in the database, because somebody edited or
   * damaged the row; they are the raw text here (`metadata` is empty). None in a healthy database.
   */
  readonly unreadable: readonly string[]
}

/** One transition of a job, for people. */
export interface Transition extends Omit<TrailEntry, "at"> {
  readonly at: Date
}

/** The stored log of a job. */
export interface StoredLog {
  readonly lines: readonly StoredLogLine[]
  /** How many lines were not kept. */
  readonly dropped: number
}

/** One line of a job's log. */
export interface StoredLogLine extends Omit<LogLine, "at" | "fields"> {
  readonly at: Date
  /** `null` for none; the raw text when somebody damaged it in the database. */
  readonly fields: unknown
}

/** Makes the view of a row. A row that cannot be read is shown as far as it can: somebody has to find it. */
export function viewJob(row: JobRow): Job {
  const unreadable: string[] = []
  const read = (text: string, name: string): unknown => {
    try {
      return decodePayload(text, name)
    } catch {
      unreadable.push(name)
      return text
    }
  }
  const metadata = row.metadata === null ? null : read(row.metadata, "metadata")
  return {
    id: row.id,
    kind: row.kind,
    queue: row.queue,
    state: row.state,
    priority: row.priority,
    attempt: row.attempt,
    failures: row.failures,
    crashes: row.crashes,
    interruptions: row.interruptions,
    maxAttempts: row.maxAttempts >= unlimitedAttempts ? false : row.maxAttempts,
    maxCrashes: row.maxCrashes,
    timeoutMs: row.timeoutMs,
    enqueuedAt: new Date(row.enqueuedAt),
    runAt: new Date(row.runAt),
    expiresAt: dateOf(row.expiresAt),
    startedAt: dateOf(row.startedAt),
    finishedAt: dateOf(row.finishedAt),
    cancelRequestedAt: dateOf(row.cancelRequestedAt),
    cancelRequestedBy: row.cancelRequestedBy,
    workerId: row.workerId,
    input: read(row.input, "input"),
    result: row.result === null ? undefined : read(row.result, "result"),
    tags: row.tags,
    metadata: typeof metadata === "object" && metadata !== null ? { ...metadata } : {},
    error: row.error,
    reason: row.reason,
    uniqueKey: row.uniqueKey,
    progress:
      row.progress === null
        ? null
        : { value: read(row.progress.value, "progress"), at: new Date(row.progress.at) },
    unreadable,
  }
}

/** Makes the view of a trail. */
export function viewTrail(entries: readonly TrailEntry[]): readonly Transition[] {
  return entries.map((entry) => ({ ...entry, at: new Date(entry.at) }))
}

/** Makes the view of a log. */
export function viewLog(log: JobLog): StoredLog {
  const lines = log.lines.map((line) => ({
    ...line,
    at: new Date(line.at),
    fields: line.fields === null ? null : readFields(line.fields),
  }))
  return { lines, dropped: log.dropped }
}

// A damaged line must not hide the others.
function readFields(text: string): unknown {
  try {
    return decodePayload(text, "fields")
  } catch {
    return text
  }
}

function dateOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms)
}
