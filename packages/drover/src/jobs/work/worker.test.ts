import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
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

// A blocked event loop is real or it is nothing: this test takes real time, and waits for events only. What it blocks for
// is what the thread that beats writes to the database, or ceases to write.
describe("a handler that blocks the event loop for longer than the lease", () => {
  const clock = systemClock
  const rng = systemRng
  const ids = new UuidMaker(clock, rng)
  // A thread that gets no processor for this long, less the margin, loses its lease: a machine under load is no news.
  const lease = { ttl: 2_000, beat: 100, margin: 500 }

  // The first run blocks, then waits for its signal if it is told to; the second returns at once.
  async function block(
    blocking: (path: string) => void,
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
    const path = join(folder, "jobs.db")
    const store = sqlite(path).connect({ clock, rng, events })
    await store.open({ migrate: true })
    let reason: unknown
    const job = defineJob("a", {
      run: async ({ signal, attempt }) => {
        if (attempt > 1) return
        blocking(path)
        if (!waits) return
        await new Promise((resolve) => signal.addEventListener("abort", resolve))
        reason = signal.reason
      },
    })
    const worker = new Worker({ store, clock, rng, events, definitions: [job], options })
    await worker.start()
    const id = ids.next()
    const completed = Promise.all([
      events.next("job.completed"),
      // The other block may be too short for the monitor, which looks once a second.
      waits ? undefined : events.next("worker.stalled"),
    ])
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

  /** Until the thread has beaten for longer than one lease lasts, and longer than two looks of the monitor. */
  function whileBeaten(path: string): void {
    using db = new DatabaseSync(path, { readOnly: true })
    const read = db.prepare("select lease_until from drover_worker")
    const leaseUntil = (): number => (read.get() as { lease_until: number }).lease_until
    const firstUntil = leaseUntil()
    while (leaseUntil() <= firstUntil + lease.ttl + 1_000);
  }

  /** Until another process has taken the worker for dead, which it may when the lease is over. */
  function untilRescued(path: string): void {
    const module = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href)
    const script = `
      import { sqlite } from ${module("../../sqlite/index.ts")}
      import { Events } from ${module("../../events/index.ts")}
      import { systemClock, systemRng } from ${module("../../time/index.ts")}
      const environment = { clock: systemClock, rng: systemRng, events: new Events() }
      const store = sqlite(${JSON.stringify(path)}).connect(environment)
      await store.open({ migrate: false })
      const candidate = { id: "other", host: "here", pid: process.pid, info: "{}" }
      const { term } = await store.bid({ candidate, token: 5, ttlMs: 60_000 })
      const request = { term: { term, token: 5 }, deadWorkers: [], expiredLeases: true, limit: 10 }
      while ((await store.rescue(request)).length === 0);
      await store.close()`
    const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      stdio: "inherit",
    })
    expect(status).toBe(0)
  }

  test("keeps its lease, because the beat comes from a thread of its own", async () => {
    const { row, names } = await block(whileBeaten, false, { lease, stallLimit: 60_000 })
    expect(names).not.toContain("worker.lease_lost")
    expect(row).toMatchObject({ state: "completed", attempt: 1 })
  })

  test("loses it when it blocks for longer than others should wait, learns that, and goes on with a new one", async () => {
    const { row, names, reason } = await block(untilRescued, true, { lease, stallLimit: 500 })
    expect(reason).toMatchObject({ code: "DROVER_LEASE_LOST" })
    expect(names.filter((name) => name.startsWith("worker.lease"))).toEqual([
      "worker.lease_lost",
      "worker.lease_regained",
    ])
    expect(row).toMatchObject({ state: "completed", attempt: 2, failures: 0 })
  })
})
