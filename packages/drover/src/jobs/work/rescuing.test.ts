import { describe, expect, test } from "vitest"
import { defineJob } from "../define/jobDefinition.ts"
import { deafStore } from "./fixtures/deafStore.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { listening } from "./fixtures/listening.ts"
import { createWorld } from "./fixtures/world.ts"
import type { World } from "./fixtures/world.ts"
import type { Store } from "../../store/index.ts"
import { asLeader } from "../../store/asLeader.fixture.ts"

describe("the jobs of a dead worker that were taken back", () => {
  test("run alone after a crash: nothing is claimed beside one, and ordinary jobs go on afterwards", async () => {
    await using world = await createWorld()
    const dead = await world.connect()
    const ref = await dead.registerWorker({
      workerId: "dead",
      token: 7,
      leaseMs: 30_000,
      host: "elsewhere",
      pid: 1,
      info: "{}",
    })
    const suspect = await world.enqueue("a")
    const claims = [{ queue: "default", kinds: ["a"], limit: 1 }]
    await dead.exchange({
      worker: ref,
      settlements: [],
      claims,
      token: 8,
      repeat: false,
      solo: false,
    })
    await (await asLeader(dead)).rescue({ deadWorkers: ["dead"], expiredLeases: false, limit: 1 })
    const { job, release } = listening()
    const worker = await world.worker([job])
    await world.until("the suspect runs", () => release.length === 1)
    await world.enqueueMany("a", 5)
    await world.clock.advance(30_000)
    expect(worker.running()).toMatchObject([{ jobId: suspect }])
    release[0]!()
    await world.until("the others run", () => worker.running().length === 5)
  })

  test.each([
    ["end in the call that starts them", () => {}],
    ["take a moment", (world: World) => world.clock.sleep(20)],
  ])("run one after the other when their handlers %s", async (_, run) => {
    await using world = await createWorld()
    const dead = await world.connect()
    const identity = { workerId: "dead", token: 7, leaseMs: 30_000 }
    const ref = await dead.registerWorker({ ...identity, host: "elsewhere", pid: 1, info: "{}" })
    await world.enqueueMany("a", 3)
    const claims = [{ queue: "default", kinds: ["a"], limit: 3 }]
    const request = { worker: ref, settlements: [], claims, token: 8, repeat: false, solo: false }
    await dead.exchange(request)
    await (await asLeader(dead)).rescue({ deadWorkers: ["dead"], expiredLeases: false, limit: 3 })
    let ran = 0
    const handler = async (): Promise<void> => {
      ran++
      await run(world)
    }
    // Nothing but the worker itself makes it look, and what it sees while an exchange is under way counts.
    const { store, fault } = faultyStore(deafStore(world.store))
    const takesMs: Partial<Record<keyof Store, number>> = { peek: 10, exchange: 30 }
    fault((operation) => {
      const ms = takesMs[operation]
      return ms === undefined ? undefined : world.clock.sleep(ms)
    })
    await world.worker([defineJob("a", { run: handler })], { store, options: { poll: "10m" } })
    await world.until("all three ran", () => ran === 3, 500)
    await world.enqueueMany("a", 2)
    await world.until("ordinary jobs run too", () => ran === 5)
    expect(ran, "each once").toBe(5)
  })

  test("find room in a busy worker after its patience", async () => {
    await using world = await createWorld()
    const dead = await world.connect()
    const ref = await dead.registerWorker({
      workerId: "dead",
      token: 7,
      leaseMs: 30_000,
      host: "elsewhere",
      pid: 1,
      info: "{}",
    })
    const suspect = await world.enqueue("a")
    const claims = [{ queue: "default", kinds: ["a"], limit: 1 }]
    await dead.exchange({
      worker: ref,
      settlements: [],
      claims,
      token: 8,
      repeat: false,
      solo: false,
    })
    let most = 0
    let now = 0
    let alone: boolean | undefined
    const job = defineJob("a", {
      run: async ({ job: { id } }) => {
        now++
        if (id === suspect) alone = now === 1
        most = Math.max(most, now)
        await world.clock.sleep(500)
        if (id === suspect) alone &&= now === 1
        now--
      },
    })
    await world.worker([job], { queues: { default: { slots: 4 } } })
    await world.enqueueMany("a", 400)
    await world.until("it is busy", () => most === 4)
    await (await asLeader(dead)).rescue({ deadWorkers: ["dead"], expiredLeases: false, limit: 1 })
    expect(await world.finished(suspect)).toMatchObject({ state: "completed", crashes: 1 })
    expect(alone).toBe(true)
    await world.until("ordinary jobs run again", () => now === 4)
  })
})
