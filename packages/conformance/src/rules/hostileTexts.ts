import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { settlements } from "../world.ts"

/**
 * Texts that break quoting, terminals, filters and sorts. What no store can keep (NUL, lone surrogates)
 * never reaches a store: the client rejects it.
 */
const hostile = [
  "'; drop table drover_job; --",
  '"quoted" `ticked` \\back\\slash',
  "%_[a-z]*?",
  "new\nline\r\ttab",
  "\u001b[31mred\u001b[0m\u0007",
  "\u202Eright to left\u2066",
  "é e\u0301 ﷽ 👩‍👩‍👧‍👦 𝕏",
  "$1 ?1 :name @name #{x} ${y}",
  "__proto__",
  "null",
  "",
  " ",
  "\u007f\u0080\u009f\uFEFF\uFFFE\uFFFF",
  "x".repeat(2_000),
] as const

/** Names that Drover's own checks let through may hold anything but emptiness. */
const names = hostile.filter((text) => text.trim() !== "").map((text) => text.slice(0, 100))

/** Texts go in and come out as they are, whatever they look like. */
export const hostileTextRules: Rules = {
  "kind, queue, tags, keys and JSON texts": async (world) => {
    for (const name of names) {
      const text = JSON.stringify({ [name]: name })
      const job = world.job({
        kind: name,
        queue: name,
        tags: [name, "plain"],
        input: text,
        metadata: text,
        retry: text,
        unique: world.unique(name),
      })
      await world.store.enqueue([job])
      const { kind, queue, tags, input, metadata, retry } = job
      expect(await world.get(job.id)).toMatchObject({ kind, queue, tags, input, metadata, retry })
      expect((await world.get(job.id)).uniqueKey).toBe(name)
      for (const selection of [
        { kinds: [name] },
        { queues: [name] },
        { tags: [name] },
        { uniqueKey: name },
      ]) {
        const { jobs } = await world.other.list(selection, { limit: 5, after: null })
        expect(
          jobs.map(({ id }) => id),
          JSON.stringify(selection),
        ).toEqual([job.id])
      }
      const worker = await world.worker()
      const wish = { kinds: [name], queue: name }
      expect(await worker.claimOne(wish)).toMatchObject({ kind, queue, input, metadata, retry })
    }
  },

  "queue settings and counts": async (world) => {
    for (const name of names) {
      await world.enqueue({ queue: name })
      await world.store.setQueue(name, { paused: true }, name)
    }
    const counts = await world.other.queueCounts(10)
    expect(counts.map(({ queue }) => queue).toSorted()).toEqual(names.toSorted())
    for (const { paused, counts: byState } of counts) {
      expect([paused, byState.available]).toEqual([true, 1])
    }
  },

  "results, errors and reasons": async (world) => {
    for (const [index, text] of hostile.entries()) {
      const error = {
        name: text,
        message: text,
        code: text,
        stack: text,
        cause: { name: "E", message: text },
      }
      const kind = `k${index}`
      const failed = await world.running({ kind })
      await failed.worker.settle(failed.attempt, {
        to: "discarded",
        reason: text,
        failed: true,
        error,
      })
      expect(await world.get(failed.id)).toMatchObject({ reason: text, error })
      expect((await world.store.trail(failed.id)).at(-1)).toMatchObject({ reason: text, error })
      const done = await world.running({ kind })
      const result = JSON.stringify(text)
      await done.worker.settle(done.attempt, { to: "completed", result })
      expect((await world.get(done.id)).result).toBe(result)
    }
  },

  "logs, progress, workers and actors": async (world) => {
    for (const text of hostile) {
      const { id, worker, attempt } = await world.running()
      const fields = JSON.stringify({ text })
      const line = { attempt: 1, at: 1, level: "info", message: text, fields } as const
      await worker.store.appendLog(attempt, [line], 0)
      expect((await world.store.log(id)).lines).toEqual([line])
      await worker.store.progress(attempt, fields)
      expect((await world.get(id)).progress?.value).toBe(fields)
      await worker.settle(attempt, settlements.completed)
      const options = { actor: text, reason: text, limit: 1 }
      await world.other.act("retry", { ids: [id] }, options)
      expect((await world.store.trail(id)).at(-1)).toMatchObject({ actor: text, reason: text })
      await world.act("delete", [id])
      await worker.retire()
    }
    const identity = { token: 7, leaseMs: 1_000, pid: 1 }
    for (const text of names) {
      await world.store.registerWorker({ ...identity, workerId: text, host: text, info: text })
    }
    const rows = await world.other.workers()
    expect(rows.map(({ workerId }) => workerId).toSorted()).toEqual(names.toSorted())
    for (const { workerId, host, info } of rows) expect([host, info]).toEqual([workerId, workerId])
  },
}
