import { expect, test } from "vitest"
import type { JobRow, TrailEntry } from "../../src/store/index.ts"
import type { Death } from "../program.ts"
import type { History, Pause } from "../history.ts"
import type { Record, Testimony } from "../witness.ts"
import { violationsOf } from "./index.ts"
import { recovery } from "./recovery.ts"

const id = "job"

function entry(over: Partial<TrailEntry>): TrailEntry {
  return {
    ...{ seq: 1, jobId: id, kind: "k", queue: "q", at: 0, from: null, to: "available" },
    ...{ attempt: 0, workerId: null, actor: null, reason: null, error: null },
    ...over,
  }
}

function row(over: Partial<JobRow>): JobRow {
  const counters = { failures: 0, crashes: 0, interruptions: 0, maxAttempts: 100 }
  return { id, state: "completed", attempt: 1, ...counters, ...over } as JobRow
}

function seen(pid: number, mono: number, testimony: Testimony): Record {
  return { ...testimony, pid, mono }
}

const run = (pid: number, attempt: number, from: number, to: number): readonly Record[] => [
  seen(pid, from, { event: "claimed", job: id, attempt, token: attempt }),
  seen(pid, from, { event: "started", job: id, attempt }),
  seen(pid, to, { event: "ended", job: id, attempt }),
]

const pauseAt = (fromAt: number): Pause => ({ pid: 2, fromAt, fromMono: 100, toMono: 200 })

const enqueued = entry({})
const claimed = entry({ from: "available", to: "running", attempt: 1, workerId: "w" })
const completed = entry({ from: "running", to: "completed", attempt: 1, workerId: "w" })
const rescued = entry({ from: "running", to: "available", attempt: 1, actor: "rescue", at: 9_000 })
const claimedAgain = entry({ from: "available", to: "running", attempt: 2, workerId: "x" })
const completedAgain = entry({ from: "running", to: "completed", attempt: 2, workerId: "x" })
const acked = seen(1, 0, { event: "acked", job: id })

function history(over: {
  readonly records?: readonly Record[]
  readonly row?: JobRow | null
  readonly trail?: readonly TrailEntry[]
  readonly deaths?: readonly Death[]
  readonly pauses?: readonly Pause[]
}): History {
  const { records = [acked, ...run(2, 1, 10, 20)], row: job = row({}) } = over
  return {
    records,
    rows: new Map(job === null ? [] : [[id, job]]),
    trails: new Map([[id, over.trail ?? [enqueued, claimed, completed]]]),
    deaths: new Map((over.deaths ?? []).map((death) => [death.pid, death])),
    pauses: over.pauses ?? [],
  }
}

/** Attempt 1 in process 2 is taken away, attempt 2 in process 3 completes. */
function takenOver(records: readonly Record[]): History {
  return history({
    records: [acked, ...records],
    row: row({ attempt: 2, crashes: 1 }),
    trail: [enqueued, claimed, rescued, claimedAgain, completedAgain],
    pauses: [pauseAt(8_000)],
  })
}

test("a job that ran and completed is no violation", () => {
  expect(violationsOf(history({}))).toEqual([])
})

test("a job that was taken over is no violation, even when both attempts ran at once", () => {
  expect(violationsOf(takenOver([...run(2, 1, 10, 40), ...run(3, 2, 30, 50)]))).toEqual([])
})

test.each<[string, History]>([
  ["is lost", history({ row: null, trail: [] })],
  [
    "is available in the end",
    history({ row: row({ state: "available", attempt: 0 }), records: [acked], trail: [enqueued] }),
  ],
  ["no handler saw the end of attempt 1", history({ records: [acked] })],
  [
    "moved from available to completed",
    history({ trail: [enqueued, { ...completed, from: "available" }] }),
  ],
  ["moved from running, but was available", history({ trail: [enqueued, completed] })],
  ["its trail says otherwise", history({ trail: [enqueued, claimed] })],
  ["ended 2 times", history({ trail: [enqueued, claimed, completed, completed] })],
  ["attempt 1 was settled twice", history({ trail: [enqueued, claimed, rescued, completed] })],
  [
    "attempt 3 followed attempt 0",
    history({ trail: [enqueued, { ...claimed, attempt: 3 }, completed] }),
  ],
  ["was started twice", history({ records: [acked, ...run(2, 1, 10, 20), ...run(3, 1, 30, 40)] })],
  [
    "the trail knows no such claim",
    history({ records: [acked, ...run(2, 1, 10, 20), ...run(3, 2, 30, 40)] }),
  ],
  ["was claimed 3 times for 0 failures", history({ row: row({ attempt: 3 }) })],
  [
    "failed more often than it may",
    history({ row: row({ attempt: 3, failures: 2, maxAttempts: 1 }) }),
  ],
  [
    "ran at the same time",
    history({
      records: [acked, ...run(2, 1, 10, 40), ...run(3, 2, 30, 50)],
      row: row({ attempt: 2, failures: 1 }),
      trail: [
        enqueued,
        claimed,
        { ...rescued, to: "retryable", actor: null },
        { ...enqueued, from: "retryable", attempt: 1 },
        claimedAgain,
        completedAgain,
      ],
    }),
  ],
  [
    "was taken away, but its settlement as completed was settled",
    takenOver([
      ...run(2, 1, 10, 20),
      ...run(3, 2, 30, 50),
      seen(2, 60, {
        event: "settled",
        job: id,
        attempt: 1,
        token: 1,
        to: "completed",
        status: "settled",
      }),
    ]),
  ],
  [
    "process 9: beat failed",
    history({
      records: [acked, ...run(2, 1, 10, 20), seen(9, 1, { event: "trouble", what: "beat failed" })],
    }),
  ],
])("%s", (complaint, broken) => {
  expect(violationsOf(broken).join("\n")).toContain(complaint)
})

test("a job that is taken from a process that lives is named", () => {
  const robbed = takenOver([...run(2, 1, 10, 20), ...run(3, 2, 30, 50)])
  expect(violationsOf({ ...robbed, pauses: [] }).join()).toContain("from process 2, which lived")
  const later = { ...robbed, pauses: [pauseAt(11_000)] }
  expect(violationsOf(later).join()).toContain("from process 2, which lived")
})

test("a lock that a paused process holds may be missed; any other is trouble", () => {
  const busyAt = (mono: number): Record =>
    seen(9, mono, { event: "trouble", what: "beat failed with DROVER_STORE_BUSY" })
  const during = history({
    records: [acked, ...run(2, 1, 10, 20), busyAt(150)],
    pauses: [pauseAt(1)],
  })
  expect(violationsOf(during)).toEqual([])
  const before = history({
    records: [acked, ...run(2, 1, 10, 20), busyAt(90)],
    pauses: [pauseAt(1)],
  })
  expect(violationsOf(before).join()).toContain("DROVER_STORE_BUSY")
})

test("a job that waits too long after its process was killed is counted and named", () => {
  const death: Death = { pid: 2, code: null, signal: "SIGKILL", mono: 15, at: 2_000 }
  const killed = takenOver([...run(2, 1, 10, 14), ...run(3, 2, 30, 50)])
  const late = { ...killed, deaths: new Map([[2, death]]) }
  expect(recovery(late, 7_000)).toMatchObject({ jobs: 1, worstMs: 7_000, violations: [] })
  expect(recovery(late, 6_999).violations.join()).toContain("waited 7000 ms")
})
