import { expect } from "vitest"
import { isFinal, jobStates } from "drover/store"
import type { JobRow, UniqueMode } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, second } from "../world.ts"
import type { World } from "../world.ts"

/** What a second enqueue becomes, by the state of the job that is there. */
async function foldsByState(world: World, mode: UniqueMode): Promise<void> {
  for (const state of jobStates) {
    const unique = world.unique(`${mode} ${state}`, { mode })
    const holder = await world.jobIn(state, { kind: state, unique })
    const second = await world.enqueue(
      { kind: state, unique, input: "2", delayMs: hour },
      world.other,
    )
    const about = `${mode} onto a job that is ${state}`
    if (isFinal(state)) expect(second.status, about).toBe("enqueued")
    else if (state === "running")
      expect(second, about).toMatchObject({ id: holder, status: "duplicate" })
    else {
      expect(second, about).toMatchObject({ id: holder, status: "replaced" })
      expect(await world.get(holder), about).toMatchObject({
        input: "2",
        runAt: (await world.store.now()) + hour,
        attempt: state === "retryable" ? 1 : 0,
        failures: state === "retryable" ? 1 : 0,
      })
    }
  }
}

/** Both processes enqueue under one key at the same time. */
async function race(world: World, mode: UniqueMode): Promise<readonly JobRow[]> {
  const unique = world.unique("k", { mode, forMs: mode === "throttle" ? minute : null })
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      world.enqueue(
        { unique, input: String(index), delayMs: mode === "debounce" ? minute : 0 },
        index % 2 === 0 ? world.store : world.other,
      ),
    ),
  )
  const rows = await world.allJobs()
  const enqueued = replies.filter(({ status }) => status === "enqueued")
  expect(enqueued.map(({ id }) => id).toSorted()).toEqual(rows.map(({ id }) => id))
  for (const { id } of replies) expect(rows.some((row) => row.id === id)).toBe(true)
  return rows
}

/** Unique keys that fold: `replace`, `debounce` and `throttle`. */
export const uniqueModeRules: Rules = {
  "replace: the waiting job takes over the new input and options": async (world) => {
    const unique = world.unique("k", { mode: "replace" })
    const first = await world.enqueue({ unique, input: "1", priority: 5, tags: ["old"] })
    const enqueuedAt = (await world.get(first.id)).enqueuedAt
    const second = await world.enqueue(
      { unique, input: "2", priority: 0, tags: ["new"], metadata: "{}", maxAttempts: 9 },
      world.other,
    )
    expect(second).toEqual({ id: first.id, status: "replaced", state: "available" })
    expect(await world.get(first.id)).toMatchObject({
      input: "2",
      priority: 0,
      tags: ["new"],
      metadata: "{}",
      maxAttempts: 9,
      enqueuedAt,
    })
    expect(await world.store.count({}, 10)).toBe(1)
    expect(await (await world.worker()).claimOne()).toMatchObject({ input: "2", priority: 0 })
  },

  "replace: the due time stays unless one was given": async (world) => {
    const unique = world.unique("k", { mode: "replace" })
    const { id } = await world.enqueue({ unique, delayMs: minute })
    const { runAt } = await world.get(id)
    await world.advance(second)
    await world.enqueue({ unique, input: "2" })
    expect((await world.get(id)).runAt).toBe(runAt)
    await world.enqueue({ unique, runAt: runAt + minute })
    expect(await world.get(id)).toMatchObject({ runAt: runAt + minute, state: "scheduled" })
  },

  "replace: a small input may take over from a large one, and back": async (world) => {
    const unique = world.unique("k", { mode: "replace" })
    const large = JSON.stringify("x".repeat(20_000))
    const { id } = await world.enqueue({ unique, input: large })
    await world.enqueue({ unique, input: "2" })
    expect((await world.get(id)).input).toBe("2")
    await world.enqueue({ unique, input: large })
    expect((await (await world.worker()).claimOne()).input).toBe(large)
  },

  "replace: a running job is not changed": async (world) => {
    const unique = world.unique("k", { mode: "replace" })
    const { id } = await world.running({ unique, input: "1" })
    const reply = await world.unchanged(() => world.enqueue({ unique, input: "2" }))
    expect(reply).toEqual({ id, status: "duplicate", state: "running" })
  },

  "replace: in one batch, the last one wins": async (world) => {
    const unique = world.unique("k", { mode: "replace" })
    const outcomes = await world.store.enqueue([
      world.job({ unique, input: "1" }),
      world.job({ unique, input: "2" }),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(["enqueued", "replaced"])
    expect((await world.get(outcomes[0]?.id ?? "")).input).toBe("2")
  },

  "debounce: each enqueue moves the due time back by its delay": async (world) => {
    const unique = world.unique("k", { mode: "debounce" })
    const { id } = await world.enqueue({ unique, delayMs: 10 * second, input: "1" })
    for (let round = 2; round <= 4; round++) {
      await world.advance(8 * second)
      const outcome = await world.enqueue({ unique, delayMs: 10 * second, input: String(round) })
      expect(outcome).toEqual({ id, status: "replaced", state: "scheduled" })
      expect((await world.get(id)).runAt).toBe((await world.store.now()) + 10 * second)
    }
    const worker = await world.worker()
    await world.advance(10 * second - 1)
    expect(await worker.claim()).toEqual([])
    await world.advance(1)
    expect(await worker.claimOne()).toMatchObject({ jobId: id, input: "4" })
  },

  "debounce: the job runs at the latest maxWaitMs after its enqueue": async (world) => {
    const unique = world.unique("k", { mode: "debounce", maxWaitMs: 15 * second })
    const { id } = await world.enqueue({ unique, delayMs: 10 * second })
    const { enqueuedAt } = await world.get(id)
    await world.advance(9 * second)
    await world.enqueue({ unique, delayMs: 10 * second })
    expect((await world.get(id)).runAt).toBe(enqueuedAt + 15 * second)
    await world.advance(6 * second)
    expect((await (await world.worker()).claimOne()).jobId).toBe(id)
  },

  "replace: by the state of the job that is there": (world) => foldsByState(world, "replace"),

  "debounce: by the state of the job that is there": (world) => foldsByState(world, "debounce"),

  "replace and debounce: after its window a key is free": async (world) => {
    for (const mode of ["replace", "debounce"] as const) {
      const unique = world.unique(mode, { mode, forMs: minute })
      const job = { unique, delayMs: hour }
      const { id } = await world.enqueue(job)
      await world.advance(minute - 1)
      expect(await world.enqueue(job)).toMatchObject({ id, status: "replaced" })
      await world.advance(hour)
      expect((await world.enqueue(job)).status).toBe("enqueued")
    }
  },

  "replace and debounce: the same enqueue sent again changes nothing": async (world) => {
    for (const mode of ["replace", "debounce"] as const) {
      const unique = world.unique(mode, { mode })
      const { id } = await world.enqueue({ unique, delayMs: minute })
      const second = world.job({ unique, delayMs: minute, input: "2" })
      await world.store.enqueue([second])
      await world.advance(second.delayMs / 2)
      const [again] = await world.unchanged(() => world.other.enqueue([second]))
      expect(again).toMatchObject({ id, status: "replaced" })
    }
  },

  "replace and debounce: of stores that race, one job is made and all others fold into it": async (
    world,
  ) => {
    expect(await race(world, "replace")).toHaveLength(1)
    await world.act(
      "delete",
      (await world.allJobs()).map(({ id }) => id),
    )
    expect(await race(world, "debounce")).toHaveLength(1)
  },

  "throttle: of stores that race, one job runs now and one at the end of the window": async (
    world,
  ) => {
    const rows = await race(world, "throttle")
    expect(rows.map(({ state }) => state).toSorted()).toEqual(["available", "scheduled"])
  },

  "throttle: the first runs at once, the last one when the window ends": async (world) => {
    const unique = world.unique("k", { mode: "throttle", forMs: minute })
    const worker = await world.worker()
    const first = await world.enqueue({ unique, input: "1" })
    const windowEnd = (await world.get(first.id)).enqueuedAt + minute
    expect(first).toMatchObject({ status: "enqueued", state: "available" })
    await worker.settle(await worker.claimOne(), { to: "completed", result: null })

    await world.advance(second)
    const trailing = await world.enqueue({ unique, input: "2" }, world.other)
    expect(trailing).toMatchObject({ status: "enqueued", state: "scheduled" })
    expect((await world.get(trailing.id)).runAt).toBe(windowEnd)

    await world.advance(second)
    const folded = await world.enqueue({ unique, input: "3" })
    expect(folded).toEqual({ id: trailing.id, status: "replaced", state: "scheduled" })
    expect(await worker.claim()).toEqual([])

    await world.advance(minute)
    expect(await worker.claimOne()).toMatchObject({ jobId: trailing.id, input: "3" })
    expect(await world.store.count({}, 10)).toBe(2)
  },

  "throttle: while the first one still waits, the next one is the last of its window": async (
    world,
  ) => {
    const unique = world.unique("k", { mode: "throttle", forMs: minute })
    await world.enqueue({ unique, input: "1" })
    await world.enqueue({ unique, input: "2" })
    await world.enqueue({ unique, input: "3" })
    const rows = await world.allJobs()
    expect(rows.length).toBeLessThanOrEqual(2)
    expect(rows.at(-1)?.input).toBe("3")
  },

  "throttle: after a quiet window the first one runs at once again": async (world) => {
    const unique = world.unique("k", { mode: "throttle", forMs: minute })
    await world.enqueue({ unique })
    const worker = await world.worker()
    await worker.settle(await worker.claimOne(), { to: "completed", result: null })
    await world.advance(2 * minute)
    expect(await world.enqueue({ unique })).toMatchObject({
      status: "enqueued",
      state: "available",
    })
  },

  "throttle: one run for each window, however long and whoever enqueues": async (world) => {
    const unique = world.unique("k", { mode: "throttle", forMs: minute })
    const worker = await world.worker()
    const starts: number[] = []
    for (let step = 0; step < 60; step++) {
      const store = step % 2 === 0 ? world.store : world.other
      await world.enqueue({ unique, input: String(step) }, store)
      for (const attempt of await worker.claim()) {
        starts.push(attempt.startedAt)
        await worker.settle(attempt, { to: "completed", result: null })
      }
      await world.advance(5 * second)
    }
    // The job that runs at the end of a window is the first of the next one.
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
    expect(gaps).toEqual([minute, minute, minute, minute])
  },
}
