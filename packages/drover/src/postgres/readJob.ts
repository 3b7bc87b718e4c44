import { jobStates } from "../store/index.ts"
import type { JobRow, JobState, StoredError, TrailEntry } from "../store/index.ts"
import type { Row } from "./values.ts"

/** A row of the query `job_rows`, as the store gives it out. */
export function jobRowOf(row: Row): JobRow {
  const [id, kind, queue, state, priority, attempt, failures, crashes, interruptions] = row
  const [maxAttempts, maxCrashes, timeout, retry, enqueuedAt, runAt, expiresAt] = row.slice(9)
  const [startedAt, finishedAt, cancelRequestedAt, cancelRequestedBy, workerId] = row.slice(16)
  const [input, result, metadata, tags, error, reason] = row.slice(21)
  const [uniqueKey, progress, progressAt] = row.slice(27)
  const counters = { attempt, failures, crashes, interruptions, maxAttempts, maxCrashes }
  const times = { enqueuedAt, runAt, expiresAt, startedAt, finishedAt, cancelRequestedAt }
  return {
    id,
    kind,
    queue,
    state: stateOf(state as number),
    priority,
    ...counters,
    timeoutMs: timeout === 0 ? false : timeout,
    retry,
    ...times,
    cancelRequestedBy,
    workerId,
    input,
    result,
    metadata,
    tags: tags === null ? [] : (JSON.parse(tags as string) as string[]),
    error: errorOf(error as string | null),
    reason,
    uniqueKey,
    progress: progress === null ? null : { value: progress, at: progressAt },
  } as JobRow
}

/** A row of the trail with its job's names, as the store gives it out. */
export function trailEntryOf(row: Row): TrailEntry {
  const [seq, jobId, kind, queue, at, from, to, attempt, workerId, actor, reason, error] = row
  return {
    seq,
    jobId,
    kind,
    queue,
    at,
    from: from === null ? null : stateOf(from as number),
    to: stateOf(to as number),
    attempt,
    workerId,
    actor,
    reason,
    error: errorOf(error as string | null),
  } as TrailEntry
}

function stateOf(code: number): JobState {
  return jobStates[code] as JobState
}

function errorOf(text: string | null): StoredError | null {
  return text === null ? null : (JSON.parse(text) as StoredError)
}
