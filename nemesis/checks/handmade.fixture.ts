import type { Death } from "../../packages/drover/crash/program.ts"
import type { JobRow, TickRow, TrailEntry } from "../../packages/drover/src/store/index.ts"
import type { Outcome } from "../history/operation.ts"
import type { FaultSpan, RunHistory, Sample } from "../history/runHistory.ts"
import { crashRecords } from "../history/testimony.ts"
import type { Seen, WorkerRecord, WorkerTestimony } from "../history/testimony.ts"

/** Parts of a history that a test makes by hand; the rest is empty. */
export interface Parts {
  readonly testimonies?: readonly WorkerRecord[]
  readonly rows?: readonly JobRow[]
  readonly trail?: readonly TrailEntry[]
  readonly operations?: readonly Outcome[]
  readonly deaths?: readonly Death[]
  readonly faults?: readonly FaultSpan[]
  readonly samples?: readonly Sample[]
  readonly seen?: readonly Seen[]
  readonly ticks?: Readonly<Record<string, readonly TickRow[]>>
  readonly failures?: readonly string[]
  readonly storedTerms?: RunHistory["storedTerms"]
  readonly unheard?: readonly string[]
}

export const LEASE_MS = 1_000

export function historyOf(parts: Parts): RunHistory {
  const { testimonies = [], rows = [], trail = [], deaths = [] } = parts
  return {
    testimonies,
    records: crashRecords(testimonies),
    rows: new Map(rows.map((row) => [row.id, row])),
    trails: Map.groupBy(trail, ({ jobId }) => jobId),
    operations: parts.operations ?? [],
    deaths: new Map(deaths.map((death) => [death.pid, death])),
    pauses: [],
    faults: parts.faults ?? [],
    samples: parts.samples ?? [],
    ticks: new Map(Object.entries(parts.ticks ?? {})),
    storedTerms: parts.storedTerms ?? [],
    unheard: parts.unheard ?? [],
    seen: parts.seen ?? seenOf(testimonies),
    leaseMs: LEASE_MS,
    healedMono: 0,
    failures: parts.failures ?? [],
  }
}

/** What a process testified at an instant. */
export function said(pid: number, mono: number, testimony: WorkerTestimony): WorkerRecord {
  return { ...testimony, pid, mono }
}

/** A job that was claimed, run and settled by a process. */
export function wholeRun(
  pid: number,
  job: string,
  { attempt = 1, fromMono = 10, toMono = 20, token = 7 } = {},
): WorkerRecord[] {
  return [
    said(pid, fromMono, { event: "claimed", job, attempt, token, sentMono: fromMono - 1 }),
    said(pid, fromMono, { event: "started", job, attempt }),
    said(pid, toMono, { event: "ended", job, attempt }),
    said(pid, toMono, {
      event: "settled",
      job,
      attempt,
      token,
      to: "completed",
      status: "settled",
    }),
  ]
}

export function rowOf(over: Partial<JobRow> = {}): JobRow {
  return {
    id: "a",
    kind: "nemesis.plain",
    queue: "default",
    state: "completed",
    priority: 100,
    attempt: 1,
    failures: 0,
    crashes: 0,
    interruptions: 0,
    maxAttempts: 5,
    maxCrashes: 3,
    timeoutMs: null,
    retry: null,
    enqueuedAt: 0,
    runAt: 0,
    expiresAt: null,
    startedAt: 1,
    finishedAt: 2,
    cancelRequestedAt: null,
    cancelRequestedBy: null,
    workerId: null,
    input: "{}",
    result: null,
    metadata: null,
    tags: [],
    error: null,
    reason: null,
    uniqueKey: null,
    progress: null,
    ...over,
  } as JobRow
}

let seq = 0

/** A transition; each call makes a later one. */
export function move(
  jobId: string,
  from: TrailEntry["from"],
  to: TrailEntry["to"],
  over: Partial<TrailEntry> = {},
): TrailEntry {
  return {
    seq: ++seq,
    jobId,
    kind: "nemesis.plain",
    queue: "default",
    at: 0,
    from,
    to,
    attempt: from === null ? 0 : 1,
    workerId: null,
    actor: null,
    reason: null,
    error: null,
    ...over,
  }
}

export function enqueued(
  jobs: readonly string[],
  type: Outcome["type"] = "ok",
  result?: unknown,
): Outcome {
  return operation("enqueue", { type, args: { jobs }, result })
}

export function operation(op: string, over: Partial<Outcome>): Outcome {
  return {
    process: "driver",
    op,
    type: "ok",
    args: {},
    result: undefined,
    fromMono: 0,
    toMono: 1,
    ...over,
  }
}

export function killedAt(pid: number, mono: number): Death {
  return { pid, code: null, signal: "SIGKILL", mono, at: mono }
}

export function faultAt(pids: FaultSpan["pids"], fromMono: number, toMono: number): FaultSpan {
  return { name: "fault", pids, fromMono, toMono }
}

function seenOf(testimonies: readonly WorkerRecord[]): Seen[] {
  return testimonies.flatMap((record) => {
    if (record.event !== "started" && record.event !== "ended" && record.event !== "aborted")
      return []
    const { pid, job, attempt, event } = record
    return [{ pid, job, attempt, event, token: null }]
  })
}
