import { expect } from "vitest"
import type { LogLine, TrailEntry } from "drover/store"
import type { Rules } from "../rules.ts"
import { minute, second, settlementKinds, settlements } from "../world.ts"
import type { World } from "../world.ts"

function line(message: string, over: Partial<LogLine> = {}): LogLine {
  return { attempt: 1, at: 1_767_225_600_000, level: "info", message, fields: null, ...over }
}

/** Follows the trail from a position to its end, in small pages. */
async function follow(world: World, from: number): Promise<{ entries: TrailEntry[]; seq: number }> {
  const entries: TrailEntry[] = []
  let seq = from
  for (;;) {
    const page = await world.other.trailAfter(seq, 3)
    expect(page.entries.length).toBeLessThanOrEqual(3)
    entries.push(...page.entries)
    if (page.entries.length === 0) return { entries, seq: page.seq }
    expect(page.seq).toBe(page.entries.at(-1)?.seq)
    seq = page.seq
  }
}

/** What is kept about the past: trail, log and progress. */
export const historyRules: Rules = {
  "a job's trail tells its life in order": async (world) => {
    const { id, worker, attempt } = await world.running({ delayMs: 0 })
    await worker.settle(attempt, settlements.retryable)
    await world.advance(minute)
    const again = await worker.claimOne()
    await worker.settle(again, settlements.completed)
    const steps = (await world.other.trail(id)).map((entry) => [
      entry.from,
      entry.to,
      entry.attempt,
    ])
    expect(steps).toEqual([
      [null, "available", 0],
      ["available", "running", 1],
      ["running", "retryable", 1],
      ["retryable", "available", 1],
      ["available", "running", 2],
      ["running", "completed", 2],
    ])
  },

  "every entry says when, which job, which worker and why": async (world) => {
    const { id, worker, attempt } = await world.running({ kind: "k", queue: "q" })
    await worker.settle(attempt, settlements.discarded)
    const trail = await world.store.trail(id)
    for (const entry of trail) {
      expect(entry).toMatchObject({ jobId: id, kind: "k", queue: "q" })
      expect(entry.at).toBe(await world.store.now())
    }
    expect(trail.at(-1)).toMatchObject({
      workerId: worker.id,
      reason: "failed",
      error: { name: "E", message: "x" },
    })
  },

  "whoever follows the trail sees each transition once, in order": async (world) => {
    const { seq: start } = await world.other.trailAfter(null, 100)
    const worker = await world.worker()
    for (const kind of settlementKinds) {
      await world.enqueue({ kind }, world.other)
      await worker.settle(await worker.claimOne({ kinds: [kind] }), settlements[kind])
    }
    const first = await follow(world, start)
    expect(first.entries).toHaveLength(3 * settlementKinds.length)
    await world.enqueue()
    const second = await follow(world, first.seq)
    expect(second.entries).toHaveLength(1)
    const whole = await world.store.trailAfter(0, 1_000)
    expect(whole.entries).toEqual([...first.entries, ...second.entries])
  },

  "a follower that starts at the end gets only the position": async (world) => {
    await world.enqueue()
    const { entries, seq } = await world.store.trailAfter(null, 100)
    expect(entries).toEqual([])
    expect(await world.store.trailAfter(seq, 100)).toEqual({ entries: [], seq })
  },

  "what was written to the trail never changes": async (world) => {
    const { id, worker, attempt } = await world.running()
    const before = await world.store.trail(id)
    await world.advance(second)
    await worker.settle(attempt, settlements.retryable)
    await world.store.edit(id, { priority: 9, queue: "other" }, "ann")
    await world.act("cancel", [id])
    await world.act("retry", [id])
    expect((await world.store.trail(id)).slice(0, before.length)).toMatchObject(
      before.map(({ seq, at, from, to, attempt, workerId }) => ({
        seq,
        at,
        from,
        to,
        attempt,
        workerId,
      })),
    )
  },

  "log lines come back in order, with level and fields": async (world) => {
    const { id, worker, attempt } = await world.running()
    const lines = [
      line("one", { level: "debug" }),
      line("two", { fields: '{"a":1}', level: "warn" }),
      line("three", { level: "error", at: 1_767_225_600_001 }),
    ]
    expect(await worker.store.appendLog(attempt, lines.slice(0, 2), 0)).toBe("stored")
    expect(await worker.store.appendLog(attempt, lines.slice(2), 5)).toBe("stored")
    expect(await worker.store.appendLog(attempt, [], 2)).toBe("stored")
    expect(await world.other.log(id)).toEqual({ lines, dropped: 7 })
  },

  "the logs of all attempts of a job stand together": async (world) => {
    const { id, worker, attempt } = await world.running()
    await worker.store.appendLog(attempt, [line("first")], 1)
    await worker.settle(attempt, settlements.interrupted)
    const again = await worker.claimOne()
    await worker.store.appendLog(again, [line("second", { attempt: 2 })], 1)
    const { lines, dropped } = await world.store.log(id)
    expect(lines.map(({ attempt, message }) => [attempt, message])).toEqual([
      [1, "first"],
      [2, "second"],
    ])
    expect(dropped).toBe(2)
  },

  "progress is the last one reported": async (world) => {
    const { id, worker, attempt } = await world.running()
    expect((await world.get(id)).progress).toBeNull()
    await worker.store.progress(attempt, "1")
    await world.advance(second)
    expect(await worker.store.progress(attempt, '{"done":2}')).toBe("stored")
    const at = await world.store.now()
    expect((await world.get(id, world.other)).progress).toEqual({ value: '{"done":2}', at })
    const listed = await world.other.list({}, { limit: 1, after: null })
    expect(listed.jobs[0]?.progress).toEqual({ value: '{"done":2}', at })
  },

  "progress and log change neither state nor trail": async (world) => {
    const { id, worker, attempt } = await world.running()
    const before = await world.get(id)
    await worker.store.progress(attempt, "1")
    await worker.store.appendLog(attempt, [line("x")], 0)
    expect({ ...(await world.get(id)), progress: null }).toEqual(before)
    expect(await world.store.trail(id)).toHaveLength(2)
  },

  "a deleted job takes its trail, log and progress along": async (world) => {
    const { id, worker, attempt } = await world.running()
    await worker.store.progress(attempt, "1")
    await worker.store.appendLog(attempt, [line("x")], 3)
    await worker.settle(attempt, settlements.completed)
    const job = world.job({ id })
    await world.act("delete", [id])
    expect(await world.store.get(id)).toBeNull()
    await world.store.enqueue([job])
    expect(await world.store.log(id)).toEqual({ lines: [], dropped: 0 })
    expect(await world.get(id)).toMatchObject({ progress: null, attempt: 0 })
    expect(await world.store.trail(id)).toHaveLength(1)
  },
}
