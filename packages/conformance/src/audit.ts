import { isFinal, mayMove } from "drover/store"
import type { JobRow, TrailEntry } from "drover/store"
import { expect } from "vitest"

/** Checks rows against each other and against the trail: what must hold at any time, in any store. */
export function auditJobs(jobs: readonly JobRow[], entries: readonly TrailEntry[]): void {
  for (let i = 1; i < entries.length; i++) {
    expect(entries[i]!.seq, "the trail's numbers grow").toBeGreaterThan(entries[i - 1]!.seq)
    expect(entries[i]!.at, "the trail's time never goes back").toBeGreaterThanOrEqual(
      entries[i - 1]!.at,
    )
  }
  const trails = Map.groupBy(entries, ({ jobId }) => jobId)
  for (const row of jobs) {
    auditRow(row)
    const trail = trails.get(row.id) ?? []
    auditTrail(row.id, trail)
    const last = trail.at(-1)
    expect(last?.to, `the trail of ${row.id} ends in its state`).toBe(row.state)
    expect(trail.filter(({ to }) => to === "running").length, `${row.id}: attempts`).toBe(
      row.attempt,
    )
    trails.delete(row.id)
  }
  expect([...trails.keys()], "trails without a job").toEqual([])
}

/** Checks what one row says about itself. */
function auditRow(row: JobRow): void {
  const about = `${row.id} (${row.state})`
  expect(row.finishedAt !== null, `${about}: finishedAt`).toBe(isFinal(row.state))
  expect(row.workerId !== null, `${about}: workerId`).toBe(row.state === "running")
  if (row.state === "running") expect(row.startedAt, `${about}: startedAt`).not.toBeNull()
  expect(row.failures + row.crashes + row.interruptions, `${about}: counters`).toBeLessThanOrEqual(
    row.attempt,
  )
}

/** Checks one job's trail: from nothing to its state, each step legal, each attempt numbered. */
function auditTrail(id: string, trail: readonly TrailEntry[]): void {
  expect(trail[0]?.from, `the trail of ${id} starts at the enqueue`).toBeNull()
  let state: TrailEntry["from"] = null
  let attempt = 0
  for (const entry of trail) {
    const step = `${id}: ${entry.from} → ${entry.to}`
    expect(entry.from, `${step} starts where the last step ended`).toBe(state)
    expect(mayMove(entry.from, entry.to), `${step} is legal`).toBe(true)
    if (entry.to === "running") {
      attempt++
      expect(entry.workerId, `${step} names its worker`).not.toBeNull()
    }
    expect(entry.attempt, `${step} is linked to its attempt`).toBe(attempt)
    state = entry.to
  }
}
