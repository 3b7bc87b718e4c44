import { createHash } from "node:crypto"
import { DatabaseSync } from "node:sqlite"
import fc from "fast-check"
import { expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { JobAction, NewJob, Settlement, Store } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { sqliteShared } from "./index.ts"
import { asLeader } from "../store/asLeader.fixture.ts"

const DAY = 86_400_000

/** A store on a database in memory, whose tables the test can look into. */
class Fixture {
  readonly db = new DatabaseSync(":memory:")
  readonly clock = new ManualClock()
  readonly store: Store
  #ids = 0
  #workers = 0

  constructor() {
    const environment = { clock: this.clock, rng: new SeededRng("upkeep"), events: new Events() }
    this.store = sqliteShared(this.db).connect(environment)
  }

  job(over: Partial<NewJob> = {}): NewJob {
    const id = `019b0000-0000-7000-8000-${String(++this.#ids).padStart(12, "0")}`
    return {
      ...{ id, kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
      ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null, tags: [] },
      ...{ metadata: null, unique: null },
      ...over,
    }
  }

  keyed(key: string): NewJob {
    const hash = createHash("sha256").update(key).digest()
    const states = ["scheduled", "available", "running", "retryable"] as const
    const how = { mode: "skip", states, forMs: null, maxWaitMs: null } as const
    return this.job({ unique: { hash, label: key, ...how } })
  }

  /** Runs every due job once, in a worker of its own, to the same end. */
  async run(settlement: Settlement, limit = 1_000, solo = false): Promise<number> {
    const workerId = `w${++this.#workers}`
    const identity = { workerId, token: 1, leaseMs: 30_000, host: "here", pid: 1, info: "{}" }
    const worker = await this.store.registerWorker(identity)
    const claims = [{ queue: "default", kinds: ["mail"], limit }]
    const request = { worker, settlements: [], claims, token: this.#workers, repeat: false, solo }
    const { claimed } = await this.store.exchange(request)
    for (const attempt of claimed) {
      await this.store.progress(attempt, "1")
      const line = { attempt: 1, at: 0, level: "info", message: "m", fields: null } as const
      await this.store.appendLog(attempt, [line], 0)
    }
    const settlements = claimed.map((attempt) => ({ attempt, settlement }))
    await this.store.exchange({ ...request, settlements, claims: [] })
    await this.store.retireWorker(worker)
    return claimed.length
  }

  rows(table: string): number {
    return Number(this.db.prepare(`select count(*) as count from ${table}`).get()?.["count"])
  }

  /** Rows that belong to no job. */
  orphans(): Record<string, number> {
    const tables = ["drover_trail", "drover_log", "drover_log_count", "drover_progress"]
    return Object.fromEntries(
      [...tables, "drover_input", "drover_hold"].map((table) => {
        const sql = `select count(*) as count from ${table} where job not in (select seq from drover_job)`
        return [table, Number(this.db.prepare(sql).get()?.["count"])]
      }),
    )
  }

  /** The sum that the pulse keeps, and what it should be; waiting jobs count nothing. */
  bytes(): { counted: number; stored: number; waiting: number } {
    const sql = `select finished_bytes as counted,
      (select coalesce(sum(bytes), 0) from drover_job where state >= 4) as stored,
      (select coalesce(sum(bytes), 0) from drover_job where state < 4) as waiting
      from drover_pulse`
    return this.db.prepare(sql).get() as { counted: number; stored: number; waiting: number }
  }
}

const keep = { completedMs: false, discardedMs: false, cancelledMs: false, bytes: false } as const
const none = { drover_trail: 0, drover_log: 0, drover_log_count: 0, drover_progress: 0 }
const noOrphans = { ...none, drover_input: 0, drover_hold: 0 }

test("a pruned job leaves nothing behind in any table", async () => {
  const fixture = new Fixture()
  await fixture.store.open({ migrate: true })
  const large = JSON.stringify("x".repeat(5_000))
  await fixture.store.enqueue([fixture.job(), fixture.job({ input: large }), fixture.keyed("k")])
  await fixture.run({ to: "completed", result: large })
  await fixture.clock.advance(DAY)
  const reply = await (await asLeader(fixture.store)).prune({ ...keep, completedMs: 1_000 }, 100)
  expect(reply).toEqual({ jobs: 3, more: false })
  const { term } = await asLeader(fixture.store)
  expect(await fixture.store.clean({ term, idleMs: 0, limit: 10 })).toMatchObject({ workers: 1 })
  expect(fixture.orphans()).toEqual(noOrphans)
  for (const table of ["job", "trail", "log", "log_count", "progress", "input", "hold", "worker"]) {
    expect(fixture.rows(`drover_${table}`), table).toBe(0)
  }
  expect(fixture.bytes()).toMatchObject({ counted: 0, stored: 0 })
})

test("a worker stays as long as the trail names it", async () => {
  const fixture = new Fixture()
  await fixture.store.open({ migrate: true })
  await fixture.store.enqueue([fixture.job()])
  await fixture.run({ to: "discarded", reason: "no", failed: true, error: null })
  await fixture.clock.advance(1_000)
  await fixture.store.enqueue([fixture.job()])
  await fixture.run({ to: "completed", result: null })
  await fixture.clock.advance(DAY)
  await (await asLeader(fixture.store)).prune({ ...keep, completedMs: 1_000 }, 100)
  const { term } = await asLeader(fixture.store)
  await fixture.store.clean({ term, idleMs: 0, limit: 10 })
  const [left] = (await fixture.store.list({}, { limit: 10, after: null })).jobs
  const workers = (await fixture.store.trail(left?.id ?? "")).map(({ workerId }) => workerId)
  expect(workers).toEqual([null, "w1", "w1"])
})

test("a key that another job took over outlives the one that had it", async () => {
  const fixture = new Fixture()
  await fixture.store.open({ migrate: true })
  await fixture.store.enqueue([fixture.keyed("k")])
  await fixture.run({ to: "completed", result: null })
  await fixture.store.enqueue([fixture.keyed("k")])
  await fixture.clock.advance(DAY)
  await (await asLeader(fixture.store)).prune({ ...keep, completedMs: 1_000 }, 100)
  const [outcome] = await fixture.store.enqueue([fixture.keyed("k")])
  expect(outcome?.status).toBe("duplicate")
})

test("a prune with nothing to do writes nothing", async () => {
  const fixture = new Fixture()
  await fixture.store.open({ migrate: true })
  await fixture.store.enqueue([fixture.job()])
  const changes = (): unknown => fixture.db.prepare("select total_changes()").get()
  const leader = await asLeader(fixture.store)
  const before = changes()
  await leader.prune({ ...keep, completedMs: 0, bytes: 0 }, 100)
  await leader.expire(100)
  expect(changes()).toEqual(before)
})

type Step =
  | { readonly what: "enqueue"; readonly size: number }
  | { readonly what: "run"; readonly settlement: Settlement; readonly solo: boolean }
  | { readonly what: "act"; readonly action: JobAction }
  | { readonly what: "prune"; readonly bytes: number }
  | { readonly what: "expire" }

const error = { name: "Error", message: "no" }
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ what: fc.constant("enqueue" as const), size: fc.constantFrom(10, 3_000, 40_000) }),
  fc.record({
    what: fc.constant("run" as const),
    settlement: fc.constantFrom<Settlement>(
      { to: "completed", result: "1" },
      { to: "completed", result: JSON.stringify("r".repeat(9_000)) },
      { to: "retryable", delayMs: 0, error },
      { to: "discarded", reason: "no", failed: true, error },
      { to: "cancelled", reason: "no", error: null },
      { to: "crashed", reason: "died", error: null },
    ),
    solo: fc.boolean(),
  }),
  fc.record({
    what: fc.constant("act" as const),
    action: fc.constantFrom<JobAction>("retry", "retry", "cancel", "discard", "delete"),
  }),
  fc.record({ what: fc.constant("prune" as const), bytes: fc.constantFrom(0, 50_000) }),
  fc.constant({ what: "expire" as const }),
)

async function take(fixture: Fixture, next: Step): Promise<void> {
  const { store } = fixture
  if (next.what === "enqueue") {
    const input = JSON.stringify("i".repeat(next.size))
    await store.enqueue([fixture.job({ input, expireMs: next.size === 10 ? 1 : null })])
  } else if (next.what === "run") await fixture.run(next.settlement, 2, next.solo)
  else if (next.what === "act") {
    await store.act(next.action, {}, { actor: "ann", reason: "because", limit: 2 })
  } else if (next.what === "prune")
    await (await asLeader(store)).prune({ ...keep, bytes: next.bytes }, 2)
  else await (await asLeader(store)).expire(2)
  await fixture.clock.advance(10)
}

test("the bytes of finished jobs are counted right, and nothing is orphaned, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const fixture = new Fixture()
      await fixture.store.open({ migrate: true })
      for (const next of steps) {
        await take(fixture, next)
        const { counted, stored, waiting } = fixture.bytes()
        expect([counted, waiting]).toEqual([stored, 0])
        expect(fixture.orphans()).toEqual(noOrphans)
      }
      await fixture.store.close()
    }),
    { numRuns: 150, seed: 11 },
  )
})
