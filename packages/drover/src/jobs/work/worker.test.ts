import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { Events } from "../../events/index.ts"
import { sqlite } from "../../sqlite/index.ts"
import type { JobRow } from "../../store/index.ts"
import { ManualClock, systemClock, systemRng, UuidMaker } from "../../time/index.ts"
import { defineJob } from "../define/jobDefinition.ts"
import { faultyStore } from "./fixtures/faultyStore.ts"
import { createWorld } from "./fixtures/world.ts"
import { StallMonitor } from "./stallMonitor.ts"
import { Worker } from "./worker.ts"
import type { WorkerOptions } from "./workerOptions.ts"

test("two definitions of one kind, slots that are no number and options that do not exist are refused", async () => {
  await using world = await createWorld()
  const a = defineJob("a", { run: () => {} })
  await expect(world.worker([a, a])).rejects.toMatchObject({ code: "DROVER_DUPLICATE_KIND" })
  await expect(world.worker([a], { queues: { default: { slots: -1 } } })).rejects.toMatchObject({
    code: "DROVER_CONFIG",
  })
  const misspelt = { stopGrase: "1s" } as unknown as WorkerOptions
  await expect(world.worker([a], { options: misspelt })).rejects.toThrow(/did you mean "stopGrace"/)
})

test("a worker whose database was removed or replaced stops and fails, so that somebody starts it anew", async () => {
  await using world = await createWorld()
  const faulty = faultyStore(world.store)
  const failures: unknown[] = []
  const worker = await world.worker([defineJob("a", { run: () => {} })], { store: faulty.store })
  worker.onFailed((error) => failures.push(error))
  faulty.fault(() => "gone")
  await world.until("the worker has stopped", () => worker.state === "stopped")
  expect(failures).toMatchObject([{ code: "DROVER_STORE_REPLACED" }])
})

test("a database that fails in any other way is waited for", async () => {
  await using world = await createWorld()
  const faulty = faultyStore(world.store)
  const worker = await world.worker([defineJob("a", { run: () => {} })], { store: faulty.store })
  faulty.fault(() => "before")
  await world.clock.advance(60_000)
  expect(worker.state).toBe("running")
  faulty.fault(() => undefined)
  expect(await world.finished(await world.enqueue("a"))).toMatchObject({ state: "completed" })
})

test("an event loop that does not turn is noticed when it turns again", async () => {
  const manual = new ManualClock()
  let aheadMs = 0
  const clock = Object.assign(Object.create(manual) as ManualClock, {
    monotonic: () => manual.monotonic() + aheadMs,
    setTimer: (delayMs: number, callback: () => void) => manual.setTimer(delayMs, callback),
  })
  const stalls: number[] = []
  let turns = 0
  const monitor = new StallMonitor({
    clock,
    onTurn: () => turns++,
    onStall: (gapMs) => stalls.push(gapMs),
  })
  await manual.advance(5_000)
  expect(turns).toBe(5)
  expect(stalls).toEqual([])
  aheadMs = 7_000
  await manual.advance(1_000)
  expect(stalls).toEqual([7_000])
  await manual.advance(3_000)
  expect(stalls).toEqual([7_000])
  monitor.stop()
  expect(manual.pending).toBe(0)
})

// A blocked event loop is real or it is nothing: this test takes real time, and waits for events only.
describe("a handler that blocks the event loop for longer than the lease", () => {
  const clock = systemClock
  const rng = systemRng
  const ids = new UuidMaker(clock, rng)

  // The first run blocks, then waits for its signal if it is told to; the second returns at once.
  async function block(
    blockMs: number,
    waits: boolean,
    options: WorkerOptions,
  ): Promise<{
    readonly row: JobRow
    readonly names: readonly string[]
    readonly reason: unknown
  }> {
    const folder = mkdtempSync(join(tmpdir(), "drover-block-"))
    const events = new Events()
    const names: string[] = []
    events.onAny((name) => names.push(name))
    const store = sqlite(join(folder, "jobs.db")).connect({ clock, rng, events })
    await store.open({ migrate: true })
    let reason: unknown
    const job = defineJob("a", {
      run: async ({ signal, attempt }) => {
        if (attempt > 1) return
        const untilMono = clock.monotonic() + blockMs
        while (clock.monotonic() < untilMono);
        if (!waits) return
        await new Promise((resolve) => signal.addEventListener("abort", resolve))
        reason = signal.reason
      },
    })
    const worker = new Worker({ store, clock, rng, events, definitions: [job], options })
    await worker.start()
    const id = ids.next()
    const completed = events.next("job.completed")
    const plain = {
      priority: 100,
      input: "null",
      delayMs: 0,
      runAt: null,
      expireMs: null,
      timeoutMs: null,
      retry: null,
    }
    await store.enqueue([
      {
        id,
        kind: "a",
        queue: "default",
        maxAttempts: 25,
        maxCrashes: 3,
        tags: [],
        metadata: null,
        unique: null,
        ...plain,
      },
    ])
    worker.hint()
    await completed
    const row = await store.get(id)
    await worker.stop()
    await store.close()
    rmSync(folder, { recursive: true })
    return { row: row!, names, reason }
  }

  test("keeps its lease, because the beat comes from a thread of its own", async () => {
    const lease = { ttl: 600, beat: 100, margin: 200 }
    const { row, names } = await block(2_200, false, { lease })
    expect(names).not.toContain("worker.lease_lost")
    expect(names).toContain("worker.stalled")
    expect(row).toMatchObject({ state: "completed", attempt: 1 })
  })

  test("loses it when it blocks for longer than others should wait, learns that, and goes on with a new one", async () => {
    const lease = { ttl: 400, beat: 100, margin: 100 }
    const { row, names, reason } = await block(2_200, true, { lease, stallLimit: 500 })
    expect(reason).toMatchObject({ code: "DROVER_LEASE_LOST" })
    expect(names.filter((name) => name.startsWith("worker.lease"))).toEqual([
      "worker.lease_lost",
      "worker.lease_regained",
    ])
    expect(row).toMatchObject({ state: "completed", attempt: 2, failures: 0 })
  })
})
