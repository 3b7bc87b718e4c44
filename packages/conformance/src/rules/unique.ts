import { expect } from "vitest"
import { jobStates } from "drover/store"
import type { JobState } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, settlements } from "../world.ts"
import type { World } from "../world.ts"

/** For each state of the holder: does a key held over `states` reject a second job? */
async function tableOfStates(world: World, states: readonly JobState[]): Promise<void> {
  for (const state of jobStates) {
    const kind = `kind.${state}`
    const key = `key.${state}`
    const unique = world.unique(key, { states })
    const holder = await world.jobIn(state, { kind, unique })
    const second = await world.enqueue({ kind, unique: world.unique(key, { states }) }, world.other)
    const held = states.includes(state)
    expect(second.status, `a holder that is ${state}`).toBe(held ? "duplicate" : "enqueued")
    if (held) expect(second).toMatchObject({ id: holder, state })
    else expect(second.id).not.toBe(holder)
  }
}

/** Unique keys that reject: `skip`, the states that hold a key, and how long. */
export const uniqueRules: Rules = {
  "a held key gives the job that is there and writes nothing": async (world) => {
    const first = await world.enqueue({ unique: world.unique("k"), input: "1" })
    const second = await world.unchanged(() =>
      world.enqueue({ unique: world.unique("k"), input: "2" }, world.other),
    )
    expect(second).toEqual({ id: first.id, status: "duplicate", state: "available" })
  },

  "different keys do not meet": async (world) => {
    await world.enqueue({ unique: world.unique("a") })
    expect((await world.enqueue({ unique: world.unique("b") })).status).toBe("enqueued")
  },

  "a key over the live states is free once its job ended": (world) =>
    tableOfStates(world, ["scheduled", "available", "running", "retryable"]),

  "a key over every state is held for ever": (world) => tableOfStates(world, jobStates),

  "a key over the waiting states lets a second job in while the first runs": (world) =>
    tableOfStates(world, ["scheduled", "available", "retryable"]),

  "a key over finished states only is held by finished jobs": (world) =>
    tableOfStates(world, ["completed"]),

  "a window ends at its instant, counted from the enqueue": async (world) => {
    const unique = world.unique("k", { forMs: minute })
    const first = await world.enqueue({ unique })
    await world.advance(minute - 1)
    expect(await world.enqueue({ unique })).toMatchObject({ id: first.id, status: "duplicate" })
    await world.advance(1)
    expect((await world.enqueue({ unique })).status).toBe("enqueued")
  },

  "duplicates inside one batch are found": async (world) => {
    const unique = world.unique("k")
    const jobs = world.jobs(3, { unique })
    const outcomes = await world.store.enqueue(jobs)
    expect(outcomes.map(({ status }) => status)).toEqual(["enqueued", "duplicate", "duplicate"])
    expect(new Set(outcomes.map(({ id }) => id))).toEqual(new Set([jobs[0]?.id]))
  },

  "an enqueue sent twice is repeated, not its own duplicate": async (world) => {
    const job = world.job({ unique: world.unique("k") })
    await world.store.enqueue([job])
    const [again] = await world.unchanged(() => world.store.enqueue([job]))
    expect(again).toEqual({ id: job.id, status: "repeated", state: "available" })
  },

  "stores that race for the same keys make one job for each": async (world) => {
    const keys = Array.from({ length: 40 }, (_, index) => `key ${index}`)
    const batch = (): ReturnType<typeof world.jobs> =>
      keys.map((key) => world.job({ unique: world.unique(key) }))
    const single = Promise.all(batch().map(async (job) => world.other.enqueue([job])))
    const replies = await Promise.all([
      world.store.enqueue(batch()),
      single.then((all) => all.flat()),
      world.store.enqueue(batch().toReversed()).then((all) => all.toReversed()),
    ])
    keys.forEach((key, index) => {
      const outcomes = replies.map((reply) => reply[index])
      const winners = outcomes.filter((outcome) => outcome?.status === "enqueued")
      expect(winners, key).toHaveLength(1)
      for (const outcome of outcomes) expect(outcome?.id, key).toBe(winners[0]?.id)
    })
    expect(await world.store.count({}, 1_000)).toBe(keys.length)
  },

  "a job that comes back to a key that another holds is cancelled, alone": async (world) => {
    const states = ["scheduled", "available", "retryable"] as const
    const mine = world.unique("k", { states })
    const { id, worker, attempt } = await world.running({ unique: mine })
    const bystander = await world.enqueue({ queue: "other" })
    const bystanders = await worker.claimOne({ queue: "other" })
    const successor = await world.enqueue({ unique: mine })
    expect(successor.status).toBe("enqueued")
    const reply = await worker.exchange({
      settlements: [
        { attempt, settlement: settlements.retryable },
        { attempt: bystanders, settlement: settlements.retryable },
      ],
    })
    expect(reply.settled).toEqual([expect.stringMatching(/cancelled|discarded/), "settled"])
    const row = await world.get(id)
    expect(row.state).toBe("cancelled")
    expect(row.reason).toMatch(/unique key/)
    expect(await world.state(successor.id)).toBe("available")
    expect(await world.state(bystander.id)).toBe("retryable")
  },

  "a rescued job whose key another holds now is cancelled; the rest come back": async (world) => {
    const mine = world.unique("k", { states: ["scheduled", "available", "retryable"] })
    const { id, worker } = await world.running({ unique: mine })
    const { id: plain } = await world.enqueue({ queue: "other" })
    await worker.claimOne({ queue: "other" })
    const successor = await world.enqueue({ unique: mine })
    const rescued = await world.rescue({
      deadWorkers: [worker.id],
      expiredLeases: true,
      limit: 10,
    })
    const states = new Map(rescued.map(({ jobId, state }) => [jobId, state]))
    expect(states).toEqual(
      new Map([
        [id, "cancelled"],
        [plain, "available"],
      ]),
    )
    expect(await world.state(successor.id)).toBe("available")
  },

  "a retry by an operator does not make two holders of one key": async (world) => {
    const first = await world.jobIn("completed", { unique: world.unique("k") })
    const second = await world.enqueue({ unique: world.unique("k") })
    expect(second.status).toBe("enqueued")
    const refused = await world.unchanged(() => world.act("retry", [first]))
    expect(refused).toEqual({ changed: [], requested: [], refused: [first] })
    const live = (await world.allJobs()).filter(({ state }) => state === "available")
    expect(live.map(({ id }) => id)).toEqual([second.id])
  },

  "a deleted job frees its key": async (world) => {
    const unique = world.unique("k", { states: jobStates })
    const { id } = await world.enqueue({ unique })
    await world.act("delete", [id])
    expect((await world.enqueue({ unique })).status).toBe("enqueued")
  },

  "a key that was freed and taken again is held by the newer job": async (world) => {
    const unique = world.unique("k")
    await world.jobIn("completed", { unique })
    const second = await world.enqueue({ unique })
    expect(await world.enqueue({ unique })).toMatchObject({ id: second.id, status: "duplicate" })
    await world.act("cancel", [second.id])
    expect((await world.enqueue({ unique })).status).toBe("enqueued")
  },

  "a key held for an hour is not freed by a change of another job": async (world) => {
    const unique = world.unique("k", { states: jobStates, forMs: hour })
    const { id } = await world.enqueue({ unique })
    await world.jobIn("completed", { kind: "other" })
    expect(await world.enqueue({ unique })).toMatchObject({ id, status: "duplicate" })
  },
}
