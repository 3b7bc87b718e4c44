import { expect } from "vitest"
import type { Rules } from "../rules.ts"
import { freshToken } from "../testWorker.ts"
import { settlements } from "../world.ts"

const claims = [{ queue: "default", kinds: ["mail"], limit: 5 }]

/** Exchanges whose reply was lost: sent again, they say what happened and do nothing twice. */
export const repeatRules: Rules = {
  "a claim sent again gives the very jobs of the first time": async (world) => {
    await world.store.enqueue(world.jobs(8))
    const worker = await world.worker()
    const token = freshToken()
    const lost = await worker.exchange({ claims, token })
    const again = await world.unchanged(() => worker.exchange({ claims, token, repeat: true }))
    expect(again.claimed).toEqual(lost.claimed)
    expect(again.claimed).toHaveLength(5)
  },

  "what is held already counts towards the limit": async (world) => {
    await world.store.enqueue(world.jobs(3))
    const worker = await world.worker()
    const token = freshToken()
    const lost = await worker.exchange({ claims, token })
    expect(lost.claimed).toHaveLength(3)
    await world.store.enqueue(world.jobs(8))
    const { claimed } = await worker.exchange({ claims, token, repeat: true })
    expect(claimed.slice(0, 3)).toEqual(lost.claimed)
    expect(claimed).toHaveLength(5)
    for (const job of claimed) expect(job).toMatchObject({ attempt: 1, token })
  },

  "what is held is given back though nothing is claimed any more": async (world) => {
    const { id } = await world.enqueue()
    const worker = await world.worker()
    const token = freshToken()
    const lost = await worker.exchange({ claims, token })
    const again = await world.unchanged(() => worker.exchange({ token, repeat: true }))
    expect(again.claimed).toEqual(lost.claimed)
    expect(again.claimed.map(({ jobId }) => jobId)).toEqual([id])
  },

  "an exchange that never arrived does its work when sent again": async (world) => {
    const { worker, attempt } = await world.running()
    const next = await world.enqueue()
    const settled = [{ attempt, settlement: settlements.completed }]
    const reply = await worker.exchange({ claims, settlements: settled, repeat: true })
    expect(reply.settled).toEqual(["settled"])
    expect(reply.claimed.map(({ jobId }) => jobId)).toEqual([next.id])
  },

  "settlements and claims of a lost exchange: repeated and given again": async (world) => {
    const { worker, attempt } = await world.running()
    await world.enqueue()
    const token = freshToken()
    const request = { claims, token, settlements: [{ attempt, settlement: settlements.completed }] }
    const lost = await worker.exchange(request)
    const again = await world.unchanged(() => worker.exchange({ ...request, repeat: true }))
    expect(again.settled).toEqual(["repeated"])
    expect(again.claimed).toEqual(lost.claimed)
  },

  "a job claimed alone is given again": async (world) => {
    const { id, worker, attempt } = await world.running()
    await worker.settle(attempt, settlements.crashed)
    const token = freshToken()
    const request = { claims, token, solo: true }
    const lost = await worker.exchange(request)
    expect(lost.claimed.map(({ jobId }) => jobId)).toEqual([id])
    const again = await world.unchanged(() => worker.exchange({ ...request, repeat: true }))
    expect(again.claimed).toEqual(lost.claimed)
  },

  "large inputs, counters and times are the same the second time": async (world) => {
    const input = JSON.stringify("é".repeat(10_000))
    const { worker, attempt } = await world.running({ input, tags: ["a"], metadata: "{}" })
    await worker.settle(attempt, { ...settlements.retryable, delayMs: 0 })
    await world.advance(5)
    const token = freshToken()
    const lost = await worker.exchange({ claims, token })
    expect(lost.claimed).toMatchObject([{ attempt: 2, failures: 1, input }])
    await world.advance(5)
    const again = await worker.exchange({ claims, token, repeat: true })
    expect(again.claimed).toEqual(lost.claimed)
  },

  "jobs that were taken away since are not given again": async (world) => {
    const { id } = await world.enqueue()
    const worker = await world.worker()
    const token = freshToken()
    await worker.exchange({ claims, token })
    await world.rescue({ deadWorkers: [worker.id], expiredLeases: false, limit: 5 })
    const again = await world.unchanged(() => worker.exchange({ claims, token, repeat: true }))
    expect(again).toMatchObject({ claimed: [], workerLost: true })
    expect(await world.state(id)).toBe("available")
  },

  "jobs held under another token are not given again": async (world) => {
    const { worker } = await world.running()
    const reply = await world.unchanged(() => worker.exchange({ claims, repeat: true }))
    expect(reply.claimed).toEqual([])
  },
}
