import { expect } from "vitest"
import { jobStates } from "drover/store"
import type { JobAction, JobState } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, second, settlements } from "../world.ts"
import type { World } from "../world.ts"

/** What an action does to a job in each state: the state it leads to, "requested", "refused" or "deleted". */
const table: Readonly<Record<JobAction, Readonly<Record<JobState, string>>>> = {
  cancel: {
    scheduled: "cancelled",
    available: "cancelled",
    retryable: "cancelled",
    running: "requested",
    completed: "refused",
    discarded: "refused",
    cancelled: "refused",
  },
  retry: {
    scheduled: "available",
    available: "available",
    retryable: "available",
    running: "refused",
    completed: "available",
    discarded: "available",
    cancelled: "available",
  },
  discard: {
    scheduled: "discarded",
    available: "discarded",
    retryable: "discarded",
    running: "refused",
    completed: "refused",
    discarded: "refused",
    cancelled: "refused",
  },
  delete: {
    scheduled: "deleted",
    available: "deleted",
    retryable: "deleted",
    running: "refused",
    completed: "deleted",
    discarded: "deleted",
    cancelled: "deleted",
  },
}

async function actsByTheTable(world: World, action: JobAction): Promise<void> {
  for (const state of jobStates) {
    const id = await world.jobIn(state, { kind: `kind.${state}` })
    const outcome = table[action][state]
    const about = `${action} of a job that is ${state}`
    const reply = await world.act(action, [id], world.other)
    const changed = outcome === "requested" || outcome === "refused" ? [] : [id]
    expect(reply, about).toEqual({
      changed,
      requested: outcome === "requested" ? [id] : [],
      refused: outcome === "refused" ? [id] : [],
    })
    const row = await world.store.get(id)
    if (outcome === "deleted") {
      expect(row, about).toBeNull()
      expect(await world.store.trail(id), about).toEqual([])
    } else {
      expect(row?.state, about).toBe(changed.length === 0 ? state : outcome)
      expect(row?.cancelRequestedAt !== null, about).toBe(outcome === "requested")
    }
  }
}

/** What people do to jobs by hand. */
export const operatorRules: Rules = {
  "cancel: by state": (world) => actsByTheTable(world, "cancel"),
  "retry: by state": (world) => actsByTheTable(world, "retry"),
  "discard: by state": (world) => actsByTheTable(world, "discard"),
  "delete: by state": (world) => actsByTheTable(world, "delete"),

  "the trail says who acted and why": async (world) => {
    const id = await world.jobIn("scheduled")
    await world.act("discard", [id], world.other, "not needed")
    expect((await world.store.trail(id)).at(-1)).toMatchObject({
      from: "scheduled",
      to: "discarded",
      actor: "ann",
      reason: "not needed",
      workerId: null,
    })
    expect((await world.get(id)).reason).toContain("not needed")
  },

  "a job retried by hand runs now, with one more attempt if it had none left": async (world) => {
    const { id, worker, attempt } = await world.running({ maxAttempts: 1 })
    await worker.settle(attempt, settlements.discarded)
    await world.act("retry", [id])
    const row = await world.get(id)
    expect(row).toMatchObject({ state: "available", failures: 1, finishedAt: null })
    expect(row.maxAttempts).toBe(2)
    expect(await worker.claimOne()).toMatchObject({ jobId: id, attempt: 2, maxAttempts: 2 })
  },

  "a job retried by hand that had attempts left gets no more": async (world) => {
    const id = await world.jobIn("retryable", { maxAttempts: 5 })
    await world.act("retry", [id])
    expect((await world.get(id)).maxAttempts).toBe(5)
    expect((await (await world.worker()).claimOne()).jobId).toBe(id)
  },

  "a job that its crashes ended survives one more crash after a retry by hand": async (world) => {
    const { id, worker, attempt } = await world.running({ maxCrashes: 1 })
    expect(await worker.settle(attempt, settlements.crashed)).toBe("discarded")
    await world.act("retry", [id])
    const row = await world.get(id)
    expect(row.state).toBe("available")
    expect(row.maxCrashes).toBeGreaterThan(row.crashes)
    // It may crash again, and must not take others along.
    expect(await worker.claim()).toEqual([])
    expect((await worker.claimOne({ solo: true })).jobId).toBe(id)
  },

  "a cancel that was requested is not carried into the run after a retry by hand": async (
    world,
  ) => {
    const { id, worker, attempt } = await world.running()
    await world.act("cancel", [id])
    await worker.settle(attempt, settlements.interrupted)
    expect(await world.state(id)).toBe("cancelled")
    await world.act("retry", [id])
    const again = await worker.claimOne()
    expect((await worker.peek()).cancels).toEqual([])
    expect(await worker.settle(again, settlements.completed)).toBe("settled")
    expect(await world.get(id)).toMatchObject({
      state: "completed",
      cancelRequestedAt: null,
      cancelRequestedBy: null,
    })
  },

  "a cancel asked for twice is requested once": async (world) => {
    const { id, worker } = await world.running()
    await world.act("cancel", [id], world.store, "first")
    const { cancelRequestedAt, cancelRequestedBy } = await world.get(id)
    expect(cancelRequestedBy).toBe("ann")
    await world.advance(second)
    const later = { actor: "bob", reason: "second", limit: 1 }
    await world.other.act("cancel", { ids: [id] }, later)
    expect(await world.get(id)).toMatchObject({ cancelRequestedAt, cancelRequestedBy })
    expect((await worker.peek()).cancels).toHaveLength(1)
  },

  "an action takes the oldest first, up to its limit, and goes on where it stopped": async (
    world,
  ) => {
    const jobs = world.jobs(7)
    await world.store.enqueue(jobs)
    const order: string[] = []
    for (let round = 0; round < 4; round++) {
      const selection = { states: ["available"] as const }
      const options = { actor: "ann", reason: "r", limit: 2 }
      order.push(...(await world.store.act("cancel", selection, options)).changed)
    }
    expect(order).toEqual(jobs.map(({ id }) => id))
  },

  "an action reaches what its selection counts, and nothing else": async (world) => {
    await world.store.enqueue([
      ...world.jobs(3, { tags: ["a"] }),
      ...world.jobs(4, { tags: ["a", "b"], queue: "media" }),
      ...world.jobs(2),
    ])
    const selection = { tags: ["a"], queues: ["media"] }
    expect(await world.unchanged(() => world.store.count(selection, 100))).toBe(4)
    const options = { actor: "ann", reason: "r", limit: 100 }
    const { changed } = await world.other.act("discard", selection, options)
    expect(changed).toHaveLength(4)
    expect(await world.store.count({ states: ["available"] }, 100)).toBe(5)
  },

  "ids that are no job's are neither changed nor refused": async (world) => {
    const reply = await world.unchanged(() => world.act("delete", [world.id()]))
    expect(reply).toEqual({ changed: [], requested: [], refused: [] })
  },

  "two processes that delete at once delete each job once": async (world) => {
    const jobs = world.jobs(20)
    await world.store.enqueue(jobs)
    const ids = jobs.map(({ id }) => id)
    const replies = await Promise.all([
      world.act("delete", ids),
      world.act("delete", ids, world.other),
    ])
    expect(replies.flatMap(({ changed }) => changed).toSorted()).toEqual(ids)
    expect(await world.allJobs()).toEqual([])
  },

  "edit: each field of a waiting job changes, the others stay": async (world) => {
    const { id } = await world.enqueue({ tags: ["x"], metadata: '{"a":1}', retry: '{"a":1}' })
    const before = await world.get(id)
    const patches = [
      { input: "[2]" },
      { priority: 0 },
      { tags: ["y", "z"] },
      { metadata: null },
      { maxAttempts: 9 },
      { queue: "media" },
      { retry: null },
      { timeoutMs: false },
    ] as const
    let expected = before
    for (const patch of patches) {
      expect(await world.other.edit(id, patch, "ann")).toBe("edited")
      expected = { ...expected, ...patch }
      expect(await world.get(id)).toEqual(expected)
    }
    const worker = await world.worker()
    const claimed = await worker.claimOne({ queue: "media" })
    expect(claimed).toMatchObject({ input: "[2]", priority: 0, maxAttempts: 9, timeoutMs: false })
  },

  "edit: a new due time moves the job, in both directions": async (world) => {
    const { id } = await world.enqueue()
    const now = await world.store.now()
    expect(await world.store.edit(id, { runAt: now + hour }, "ann")).toBe("edited")
    const worker = await world.worker()
    expect(await world.get(id)).toMatchObject({ state: "scheduled", runAt: now + hour })
    expect(await worker.claim()).toEqual([])
    await world.store.edit(id, { delayMs: minute }, "ann")
    expect((await world.get(id)).runAt).toBe((await world.store.now()) + minute)
    await world.store.edit(id, { delayMs: 0 }, "ann")
    expect((await worker.claimOne()).jobId).toBe(id)
  },

  "edit: a new priority changes the order at once": async (world) => {
    const [first, second] = await world.store.enqueue(world.jobs(2, { priority: 5 }))
    await world.other.edit(second?.id ?? "", { priority: 0 }, "ann")
    const claimed = await (await world.worker()).claim()
    expect(claimed.map(({ jobId }) => jobId)).toEqual([second?.id, first?.id])
  },

  "edit: running and finished jobs are left alone, and so is nobody": async (world) => {
    for (const state of ["running", "completed", "discarded", "cancelled"] as const) {
      const id = await world.jobIn(state, { kind: state })
      const reply = await world.unchanged(() => world.store.edit(id, { priority: 0 }, "ann"))
      expect(reply, state).toBe("wrong_state")
    }
    const nobody = await world.unchanged(() => world.store.edit(world.id(), { priority: 0 }, "ann"))
    expect(nobody).toBe("not_found")
  },

  "edit: a retryable job keeps its counters": async (world) => {
    const id = await world.jobIn("retryable")
    expect(await world.store.edit(id, { delayMs: 0, input: "7" }, "ann")).toBe("edited")
    const worker = await world.worker()
    expect(await worker.claimOne()).toMatchObject({
      jobId: id,
      attempt: 2,
      failures: 1,
      input: "7",
    })
  },
}
