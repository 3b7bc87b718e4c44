import { expect } from "vitest"
import type { ClaimedJob, LogLine, SettleStatus } from "drover/store"
import type { Rules } from "../rules.ts"
import type { TestWorker } from "../testWorker.ts"
import { leaseMs, settlementKinds, settlements } from "../world.ts"
import type { RunningJob, World } from "../world.ts"

const line: LogLine = { attempt: 1, at: 0, level: "info", message: "late", fields: null }

/** Every write there is about an attempt, each of which must be rejected and change nothing. */
async function everyWriteIsFenced(
  world: World,
  worker: TestWorker,
  stale: ClaimedJob,
): Promise<void> {
  for (const kind of settlementKinds) {
    const { settled } = await world.unchanged(() =>
      worker.exchange({ settlements: [{ attempt: stale, settlement: settlements[kind] }] }),
    )
    expect(settled, `settling as ${kind}`).toEqual(["fenced"])
  }
  const progress = await world.unchanged(() => worker.store.progress(stale, "1"))
  expect(progress).toBe("fenced")
  const log = await world.unchanged(() => worker.store.appendLog(stale, [line], 3))
  expect(log).toBe("fenced")
}

/** Takes the job away from its worker and runs it again elsewhere. */
async function rescuedAndRunAgain(world: World): Promise<RunningJob & { second: RunningJob }> {
  const first = await world.running()
  await world.advance(leaseMs + 1)
  await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
  const worker = await world.worker(world.other)
  const attempt = await worker.claimOne({ solo: true })
  expect(attempt).toMatchObject({ jobId: first.id, attempt: 2, crashes: 1 })
  return { ...first, second: { id: first.id, worker, attempt } }
}

/** A superseded holder changes nothing, however late it wakes up and whatever it tries. */
export const fenceRules: Rules = {
  "a zombie whose job waits again after a rescue writes nothing": async (world) => {
    const { worker, attempt } = await world.running()
    await world.advance(leaseMs + 1)
    expect(await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })).toHaveLength(1)
    await everyWriteIsFenced(world, worker, attempt)
  },

  "a zombie whose job runs elsewhere writes nothing": async (world) => {
    const { worker, attempt, second } = await rescuedAndRunAgain(world)
    await everyWriteIsFenced(world, worker, attempt)
    expect(await second.worker.settle(second.attempt, settlements.completed)).toBe("settled")
    expect(await world.get(second.id)).toMatchObject({
      state: "completed",
      attempt: 2,
      result: "1",
    })
  },

  "a zombie whose job was finished elsewhere writes nothing": async (world) => {
    const { worker, attempt, second } = await rescuedAndRunAgain(world)
    await second.worker.settle(second.attempt, settlements.completed)
    await everyWriteIsFenced(world, worker, attempt)
  },

  "a zombie whose job was deleted writes nothing": async (world) => {
    const { id, worker, attempt, second } = await rescuedAndRunAgain(world)
    await second.worker.settle(second.attempt, settlements.completed)
    await world.act("delete", [id])
    await everyWriteIsFenced(world, worker, attempt)
  },

  "the right attempt number with another claim's token writes nothing": async (world) => {
    const { worker, attempt } = await world.running()
    await everyWriteIsFenced(world, worker, { ...attempt, token: attempt.token + 1 })
  },

  "the right token with another attempt number writes nothing": async (world) => {
    const { worker, attempt } = await world.running()
    await everyWriteIsFenced(world, worker, { ...attempt, attempt: 2 })
    await everyWriteIsFenced(world, worker, { ...attempt, attempt: 0 })
  },

  "an attempt handed back at retirement writes nothing more": async (world) => {
    const { worker, attempt } = await world.running()
    await worker.retire()
    await everyWriteIsFenced(world, worker, attempt)
    await everyWriteIsFenced(world, await world.worker(world.other), attempt)
  },

  "a settled attempt of a job that runs again writes nothing": async (world) => {
    const { worker, attempt, id } = await world.running()
    await worker.settle(attempt, settlements.interrupted)
    const again = await worker.claimOne()
    expect(again).toMatchObject({ jobId: id, attempt: 2, interruptions: 1 })
    // It was settled by this very attempt, so its repeat after a lost reply may be known as one.
    for (const kind of settlementKinds) {
      const status = await world.unchanged(() => worker.settle(attempt, settlements[kind]))
      expect(["repeated", "fenced"]).toContain(status)
    }
    expect(await world.unchanged(() => worker.store.progress(attempt, "1"))).toBe("fenced")
    expect(await world.unchanged(() => worker.store.appendLog(attempt, [line], 0))).toBe("fenced")
  },

  "a settled attempt says nothing more, in progress or log": async (world) => {
    for (const kind of settlementKinds) {
      const { worker, attempt } = await world.running({ kind })
      await worker.settle(attempt, settlements[kind])
      expect(await world.unchanged(() => worker.store.progress(attempt, "1"))).toBe("fenced")
      expect(await world.unchanged(() => worker.store.appendLog(attempt, [line], 1))).toBe("fenced")
    }
  },

  "a fenced settlement does not keep the others of its batch from being written": async (world) => {
    const { id: stale, worker, attempt } = await world.running()
    const good = await world.enqueue({ queue: "other" })
    const fine = await worker.claimOne({ queue: "other" })
    const { settled } = await worker.exchange({
      settlements: [
        { attempt: { ...attempt, token: 1 }, settlement: settlements.completed },
        { attempt: fine, settlement: settlements.completed },
      ],
    })
    expect(settled).toEqual(["fenced", "settled"] satisfies SettleStatus[])
    expect(await world.state(stale)).toBe("running")
    expect(await world.state(good.id)).toBe("completed")
  },

  "a worker with another token claims nothing, beats nothing, retires nothing": async (world) => {
    const { worker } = await world.running()
    await world.enqueue()
    const impostor = { ...worker.ref, token: worker.ref.token + 1 }
    const reply = await world.unchanged(() =>
      world.store.exchange({
        worker: impostor,
        settlements: [],
        claims: [{ queue: "default", kinds: ["mail"], limit: 10 }],
        token: 7,
        repeat: false,
        solo: false,
      }),
    )
    expect(reply).toMatchObject({ claimed: [], workerLost: true })
    expect(await world.store.beat(impostor, leaseMs)).toBe("lost")
    await world.unchanged(() => world.store.retireWorker(impostor))
    expect((await world.store.peek({ worker: impostor, queues: [] })).workerHeld).toBe(false)
    expect(await worker.beat()).toBe("held")
  },

  "a worker that was rescued claims nothing more": async (world) => {
    const { worker } = await world.running()
    await world.advance(leaseMs + 1)
    await world.rescue({ deadWorkers: [], expiredLeases: true, limit: 10 })
    await world.enqueue()
    const reply = await world.unchanged(() =>
      worker.exchange({ claims: [{ queue: "default", kinds: ["mail"], limit: 10 }] }),
    )
    expect(reply).toMatchObject({ claimed: [], workerLost: true })
    expect(await worker.beat()).toBe("lost")
    expect((await worker.peek()).workerHeld).toBe(false)
  },
}
