import { expect } from "vitest"
import type { JobRow, JobState, Settlement, SettleStatus } from "drover/store"
import type { Rules } from "../rules.ts"
import { hour, minute, settlementKinds, settlements } from "../world.ts"

interface Outcome {
  readonly state: JobState
  readonly counts: Partial<Pick<JobRow, "failures" | "crashes" | "interruptions">>
}

/** Where each settlement leads, and what it counts. */
const outcomes: Readonly<Record<Settlement["to"], Outcome>> = {
  completed: { state: "completed", counts: {} },
  retryable: { state: "retryable", counts: { failures: 1 } },
  discarded: { state: "discarded", counts: { failures: 1 } },
  cancelled: { state: "cancelled", counts: {} },
  snoozed: { state: "scheduled", counts: {} },
  interrupted: { state: "available", counts: { interruptions: 1 } },
  crashed: { state: "available", counts: { crashes: 1 } },
}

/** What a settlement becomes when a cancel was requested before it. */
const afterCancel: Readonly<Record<Settlement["to"], readonly [SettleStatus, JobState]>> = {
  completed: ["settled", "completed"],
  discarded: ["settled", "discarded"],
  cancelled: ["settled", "cancelled"],
  retryable: ["cancelled", "cancelled"],
  snoozed: ["cancelled", "cancelled"],
  interrupted: ["cancelled", "cancelled"],
  crashed: ["cancelled", "cancelled"],
}

/** Settlements: where each outcome leads, what it counts, and that it counts once. */
export const settlementRules: Rules = {
  "each outcome leads to its state and counts what it costs": async (world) => {
    for (const kind of settlementKinds) {
      const { id, worker, attempt } = await world.running({ kind })
      expect(await worker.settle(attempt, settlements[kind]), kind).toBe("settled")
      const row = await world.get(id, world.other)
      const { state, counts } = outcomes[kind]
      expect(row, kind).toMatchObject({
        state,
        failures: 0,
        crashes: 0,
        interruptions: 0,
        ...counts,
      })
      expect(row.workerId).toBeNull()
      const last = (await world.store.trail(id)).at(-1)
      expect(last, kind).toMatchObject({ from: "running", to: state, attempt: 1 })
      expect(last?.workerId, kind).toBe(worker.id)
    }
  },

  "a result, an error and a reason come back": async (world) => {
    const error = {
      name: "TypeError",
      message: "no",
      code: "E1",
      stack: "at x",
      cause: { name: "E", message: "why" },
    }
    const done = await world.running({ kind: "a" })
    await done.worker.settle(done.attempt, { to: "completed", result: '{"bytes":7}' })
    expect(await world.get(done.id)).toMatchObject({ result: '{"bytes":7}', error: null })
    const failed = await world.running({ kind: "b" })
    await failed.worker.settle(failed.attempt, { to: "retryable", delayMs: 5, error })
    expect((await world.get(failed.id)).error).toEqual(error)
    expect((await world.store.trail(failed.id)).at(-1)?.error).toEqual(error)
    const gone = await world.running({ kind: "c" })
    await gone.worker.settle(gone.attempt, {
      to: "discarded",
      reason: "enough",
      failed: false,
      error,
    })
    expect(await world.get(gone.id)).toMatchObject({ reason: "enough", error, failures: 0 })
  },

  "a large result comes back whole": async (world) => {
    const { id, worker, attempt } = await world.running()
    const result = JSON.stringify("é😀".repeat(100_000))
    await worker.settle(attempt, { to: "completed", result })
    expect((await world.get(id)).result).toBe(result)
    expect(await world.store.finished([id])).toEqual([
      { id, state: "completed", result, reason: null, error: null },
    ])
  },

  "a retry waits its delay by the store's clock, then runs as the next attempt": async (world) => {
    const { id, worker, attempt } = await world.running()
    await worker.settle(attempt, settlements.retryable)
    const { runAt } = await world.get(id)
    expect(runAt).toBe((await world.store.now()) + minute)
    await world.advance(minute - 1)
    expect(await worker.claim()).toEqual([])
    await world.advance(1)
    const next = await worker.claimOne()
    expect(next).toMatchObject({ jobId: id, attempt: 2, failures: 1 })
    expect(next.token).not.toBe(attempt.token)
  },

  "a snooze waits its delay and costs nothing": async (world) => {
    const { id, worker, attempt } = await world.running()
    await worker.settle(attempt, { to: "snoozed", delayMs: hour, reason: "later" })
    expect((await world.get(id)).runAt).toBe((await world.store.now()) + hour)
    await world.advance(hour)
    expect(await worker.claimOne()).toMatchObject({ attempt: 2, failures: 0 })
  },

  "an outcome without delay can be claimed at once": async (world) => {
    for (const settlement of [
      { ...settlements.retryable, delayMs: 0 },
      { ...settlements.snoozed, delayMs: 0 },
      settlements.interrupted,
    ]) {
      const kind = settlement.to
      const { worker, attempt } = await world.running({ kind })
      await worker.settle(attempt, settlement)
      expect((await worker.claimOne({ kinds: [kind] })).attempt, kind).toBe(2)
    }
  },

  "settle and claim in one call: what was settled is not claimed in vain": async (world) => {
    const { worker, attempt } = await world.running()
    const next = await world.enqueue()
    const reply = await worker.exchange({
      settlements: [{ attempt, settlement: settlements.completed }],
      claims: [{ queue: "default", kinds: ["mail"], limit: 10 }],
    })
    expect(reply.settled).toEqual(["settled"])
    expect(reply.claimed.map(({ jobId }) => jobId)).toEqual([next.id])
  },

  "a settlement sent again after a lost reply is answered and changes nothing": async (world) => {
    for (const kind of settlementKinds) {
      const { worker, attempt } = await world.running({ kind })
      await worker.settle(attempt, settlements[kind])
      const again = await world.unchanged(() => worker.settle(attempt, settlements[kind]))
      expect(again, kind).toBe("repeated")
    }
  },

  "the same settlement twice in one batch is written once": async (world) => {
    const { id, worker, attempt } = await world.running()
    const settlement = settlements.retryable
    const { settled } = await worker.exchange({
      settlements: [
        { attempt, settlement },
        { attempt, settlement },
      ],
    })
    expect(settled).toEqual(["settled", "repeated"])
    expect((await world.get(id)).failures).toBe(1)
  },

  "a completion twice in one batch, beside others, is written once": async (world) => {
    await world.store.enqueue(world.jobs(5))
    const worker = await world.worker()
    const attempts = await worker.claim()
    const { settled } = await worker.exchange({
      settlements: [...attempts, ...attempts.slice(1, 3)].map((attempt) => {
        return { attempt, settlement: settlements.completed }
      }),
    })
    expect(settled.toSorted()).toEqual([
      "repeated",
      "repeated",
      "settled",
      "settled",
      "settled",
      "settled",
      "settled",
    ])
    expect(await world.store.count({ states: ["completed"] }, 10)).toBe(5)
  },

  "fenced completions among many good ones: each is answered, each good one has its trail": async (
    world,
  ) => {
    await world.store.enqueue(world.jobs(150))
    const worker = await world.worker()
    const attempts = await worker.claim({ limit: 150 })
    const { settled } = await worker.exchange({
      settlements: attempts.map((attempt, index) => ({
        attempt: index % 7 === 3 ? { ...attempt, token: 1 } : attempt,
        settlement: { to: "completed", result: String(index) },
      })),
    })
    expect(settled).toEqual(attempts.map((_, index) => (index % 7 === 3 ? "fenced" : "settled")))
    for (const [index, { jobId }] of attempts.entries()) {
      const { state, result } = await world.get(jobId)
      expect([state, result]).toEqual(
        index % 7 === 3 ? ["running", null] : ["completed", String(index)],
      )
    }
  },

  "an attempt that was settled cannot be settled otherwise": async (world) => {
    for (const first of settlementKinds) {
      const { worker, attempt } = await world.running({ kind: first })
      await worker.settle(attempt, settlements[first])
      for (const second of settlementKinds) {
        const status = await world.unchanged(() => worker.settle(attempt, settlements[second]))
        expect(["repeated", "fenced"], `${first}, then ${second}`).toContain(status)
      }
    }
  },

  "a requested cancel is never lost, whatever the outcome": async (world) => {
    for (const kind of settlementKinds) {
      const { id, worker, attempt } = await world.running({ kind })
      const reply = await world.act("cancel", [id], world.other, "stop it")
      expect(reply).toEqual({ changed: [], requested: [id], refused: [] })
      const [status, state] = afterCancel[kind]
      expect(await worker.settle(attempt, settlements[kind]), kind).toBe(status)
      expect(await world.state(id), kind).toBe(state)
    }
    await world.advance(2 * minute)
    const worker = await world.worker()
    expect(await worker.claim({ kinds: settlementKinds })).toEqual([])
    expect(await worker.claim({ kinds: settlementKinds, solo: true })).toEqual([])
  },

  "a settlement that a cancel overruled still counts, once": async (world) => {
    const { id, worker, attempt } = await world.running()
    await world.act("cancel", [id])
    await worker.settle(attempt, settlements.retryable)
    expect(await world.get(id)).toMatchObject({ state: "cancelled", failures: 1 })
    const again = await world.unchanged(() => worker.settle(attempt, settlements.retryable))
    expect(["repeated", "cancelled"]).toContain(again)
  },

  "the last crash allowed ends the job": async (world) => {
    const { id, worker, attempt } = await world.running({ maxCrashes: 2 })
    expect(await worker.settle(attempt, settlements.crashed)).toBe("settled")
    const next = await worker.claimOne({ solo: true })
    expect(await worker.settle(next, settlements.crashed)).toBe("discarded")
    expect(await world.get(id)).toMatchObject({ state: "discarded", crashes: 2, attempt: 2 })
    expect((await world.get(id)).reason).toBe("thread died")
    expect(await world.unchanged(() => worker.settle(next, settlements.crashed))).toMatch(
      /repeated|discarded/,
    )
  },

  "after a crash a job runs alone: ordinary claims leave it": async (world) => {
    const { id, worker, attempt } = await world.running()
    await worker.settle(attempt, settlements.crashed)
    expect(await worker.claim()).toEqual([])
    expect(await worker.peek()).toMatchObject({ claimable: [], solo: true })
    const [other] = await world.store.enqueue([world.job()])
    const [alone, ...rest] = await worker.claim({ solo: true })
    expect(alone?.jobId).toBe(id)
    expect(rest).toEqual([])
    expect(await world.state(other?.id ?? "")).toBe("available")
  },

  "a hundred settlements in one call are each answered in order": async (world) => {
    await world.store.enqueue(world.jobs(100))
    const worker = await world.worker()
    const attempts = await worker.claim()
    const { settled } = await worker.exchange({
      settlements: attempts.map((attempt, index) => ({
        attempt: index % 5 === 0 ? { ...attempt, token: 1 } : attempt,
        settlement: settlements[settlementKinds[index % settlementKinds.length] ?? "completed"],
      })),
    })
    expect(settled).toEqual(attempts.map((_, index) => (index % 5 === 0 ? "fenced" : "settled")))
  },
}
