import { expect } from "vitest"
import type { ClaimedJob, LimitId, NewKey } from "drover/store"
import { limitName } from "drover/store"
import type { Rules } from "../rules.ts"
import { second, settlements } from "../world.ts"
import type { World } from "../world.ts"
import type { TestWorker } from "../testWorker.ts"
import { most, per, set } from "./limitWords.ts"

const STEPS = 120
const TENANTS = ["a", "b", "c"]
const WINDOW_MS = 3 * second

const wide: LimitId = { scope: "kind", target: "mail", type: "concurrency", by: null }
const keyed: LimitId = { ...wide, by: "tenant" }
const rate: LimitId = { ...wide, type: "rate", by: "tenant" }

/** Repeats for a seed: mulberry32. */
function drawFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** What must hold, counted by hand: no SQL, no tracks, no turns. */
class Oracle {
  readonly tenantOf: Map<string, string> = new Map()
  readonly running: Map<string, { readonly worker: TestWorker; readonly attempt: ClaimedJob }> =
    new Map()
  readonly starts: { readonly tenant: string; readonly at: number }[] = []
  readonly limits = { wide: 1_000, keyed: 1_000, rate: 1_000 }

  runningOf(tenant: string): number {
    return [...this.running.keys()].filter((id) => this.tenantOf.get(id) === tenant).length
  }

  startsOf(tenant: string, now: number): number {
    const isIn = (at: number): boolean => at > now - WINDOW_MS
    return this.starts.filter((start) => start.tenant === tenant && isIn(start.at)).length
  }

  /** How many more jobs of a tenant may start now. */
  room(tenant: string, now: number): number {
    return Math.max(
      0,
      Math.min(
        this.limits.wide - this.running.size,
        this.limits.keyed - this.runningOf(tenant),
        this.limits.rate - this.startsOf(tenant, now),
      ),
    )
  }
}

/** A random walk over all that touches limits. After each claim nothing is above a limit, and nothing idles below. */
async function walk(world: World, seed: number): Promise<void> {
  const draw = drawFrom(seed)
  const oracle = new Oracle()
  const workers = [await world.worker(), await world.worker(world.other)]
  for (let step = 0; step < STEPS; step++) {
    const worker = workers[draw(2)] as TestWorker
    await act(world, oracle, worker, draw)
    await claim(world, oracle, worker, draw)
  }
}

async function act(
  world: World,
  oracle: Oracle,
  worker: TestWorker,
  draw: (below: number) => number,
): Promise<void> {
  const what = draw(10)
  if (what < 4) return enqueue(world, oracle, draw)
  if (what < 7) return settle(oracle, draw)
  if (what === 7) return world.advance(draw(2 * second))
  if (what === 8) return change(world, oracle, draw)
  // A waiting job is taken away by hand, or a running worker's jobs are all handed back.
  const { jobs } = await world.store.list({ states: ["available"] }, { limit: 5, after: null })
  const job = jobs[draw(5)]
  if (job !== undefined) await world.act(draw(2) === 0 ? "cancel" : "retry", [job.id])
  expect(await worker.beat()).toBe("held")
}

async function enqueue(
  world: World,
  oracle: Oracle,
  draw: (below: number) => number,
): Promise<void> {
  const jobs = Array.from({ length: 1 + draw(5) }, () => {
    const tenant = TENANTS[draw(TENANTS.length)] as string
    const keys: NewKey[] = [keyed, rate].map((limit) => ({ limit: limitName(limit), key: tenant }))
    const job = world.job({ keys, priority: draw(3), delayMs: draw(4) === 0 ? draw(second) : 0 })
    oracle.tenantOf.set(job.id, tenant)
    return job
  })
  await world.store.enqueue(jobs)
}

async function settle(oracle: Oracle, draw: (below: number) => number): Promise<void> {
  const all = [...oracle.running]
  for (const [id, { worker, attempt }] of all.slice(0, draw(all.length + 1))) {
    const kinds = ["completed", "retryable", "snoozed", "interrupted", "discarded"] as const
    const settlement = settlements[kinds[draw(kinds.length)] ?? "completed"]
    const soon = "delayMs" in settlement ? { ...settlement, delayMs: draw(second) } : settlement
    await worker.settle(attempt, soon)
    oracle.running.delete(id)
  }
}

async function change(
  world: World,
  oracle: Oracle,
  draw: (below: number) => number,
): Promise<void> {
  const [name, limit] =
    (
      [
        ["wide", wide],
        ["keyed", keyed],
        ["rate", rate],
      ] as const
    )[draw(3)] ?? []
  if (name === undefined || limit === undefined) return
  const max = draw(5)
  await set(world, limit, name === "rate" ? per(max, WINDOW_MS) : most(max))
  // A rate that begins counts what starts from then on.
  if (name === "rate" && oracle.limits.rate === 1_000) oracle.starts.length = 0
  oracle.limits[name] = max
}

async function claim(
  world: World,
  oracle: Oracle,
  worker: TestWorker,
  draw: (below: number) => number,
): Promise<void> {
  const limit = 1 + draw(6)
  const claimed = await worker.claim({ limit })
  for (const attempt of claimed) {
    const tenant = oracle.tenantOf.get(attempt.jobId) as string
    expect(oracle.room(tenant, attempt.startedAt), `${tenant} has room`).toBeGreaterThan(0)
    oracle.running.set(attempt.jobId, { worker, attempt })
    oracle.starts.push({ tenant, at: attempt.startedAt })
  }
  if (claimed.length === limit) return
  // The claim came back short, so nothing is left that may start.
  const now = await world.store.now()
  const { jobs } = await world.store.list({ states: ["available"] }, { limit: 1_000, after: null })
  const startable = jobs.filter(({ id }) => oracle.room(oracle.tenantOf.get(id) as string, now) > 0)
  expect(startable.map(({ id }) => id)).toEqual([])
  expect((await worker.peek()).claimable).toEqual([])
}

/** Limits under random operations, against an oracle. */
export const limitModelRules: Rules = Object.fromEntries(
  [1, 2, 3, 4, 5, 6].map((seed) => [
    `no walk passes a limit or idles below one (seed ${seed})`,
    (world: World) => walk(world, seed),
  ]),
)
