import { expect, test } from "vitest"
import type { LimitId, LimitSetting, NewJob } from "../store/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { newJobsText } from "./newJobText.ts"

const kindSlots = (kind: string, by: string | null = null): LimitId => ({
  ...{ scope: "kind", target: kind, type: "concurrency", by },
})
const most = (max: number, perMs: number | null = null): LimitSetting => ({
  ...{ max, perMs, weights: null },
})
const perDay = most(1, 86_400_000)
const tenantOf = (kind: string, tenant: string): NonNullable<NewJob["keys"]> => [
  { limit: `kind:${kind}#concurrency.tenant`, key: tenant },
  { limit: `kind:${kind}#rate.tenant`, key: tenant },
]

/** Kinds with one sort of limit each, and a worker that knows them. */
async function limited({ store }: TestStore): Promise<number> {
  await store.setLimit(kindSlots("few"), most(2), "ann")
  await store.setLimit({ ...kindSlots("rated"), type: "rate" }, perDay, "ann")
  await store.setLimit(kindSlots("keyed", "tenant"), most(1), "ann")
  await store.setLimit({ ...kindSlots("daily", "tenant"), type: "rate" }, perDay, "ann")
  await store.setLimit({ ...kindSlots("keyed", "tenant"), type: "fair" }, most(1), "ann")
  await work(store, 1)
  const facts = { leaseMs: 3_600_000, host: "h", pid: 1, info: "{}" }
  return (await store.registerWorker({ workerId: "w", token: 7, ...facts })).ref as number
}

/** A few jobs of each kind, and `backlog` more that no limit lets start once those run. */
async function work(store: TestStore["store"], backlog: number): Promise<void> {
  const many = (count: number, kind: string, tenant?: string): NewJob[] =>
    Array.from({ length: count }, (_, index) => {
      const keys =
        tenant === undefined ? undefined : tenantOf(kind, tenant.replace("*", `${index}`))
      return testJob({ kind, ...(keys !== undefined && { keys }) })
    })
  await store.enqueue(many(3 + backlog, "few"))
  await store.enqueue(many(1 + backlog, "rated"))
  await store.enqueue(many(1 + backlog, "keyed", "full"))
  await store.enqueue(many(5, "keyed", "t*"))
  await store.enqueue(many(1 + backlog / 10, "daily", "d*"))
  await store.enqueue(many(1 + backlog / 10, "daily", "d*"))
  const later = many(backlog, "keyed", "full").map((job) => ({ ...job, delayMs: 3_600_000 }))
  await store.enqueue(later)
}

const READ = `
  select coalesce(sum(
    pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid)), 0)::integer as rows
  from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'i')`

/** What one process asks for, in a session that plans each statement when it first needs it. */
class Asker {
  readonly #ground: TestStore
  readonly #worker: number
  #token = 0

  constructor(ground: TestStore, worker: number) {
    this.#ground = ground
    this.#worker = worker
  }

  /** How many rows of tables and indexes each of them read. What they wrote is taken back. */
  async readAll(): Promise<Readonly<Record<string, number>>> {
    const { client } = this.#ground
    const lanes = await client.query("select id, kind from lane")
    const laneOf = new Map(
      (lanes.rows as { id: number; kind: string }[]).map((l) => [l.kind, l.id]),
    )
    const reads: Record<string, number> = {}
    const one = async (name: string, sql: string, values: readonly unknown[]): Promise<void> => {
      await client.query("begin")
      const before = await client.query(READ)
      await client.query(sql, [...values])
      const after = await client.query(READ)
      await client.query("rollback")
      const rowsOf = ({ rows }: { rows: unknown[] }): number => (rows[0] as { rows: number }).rows
      reads[name] = rowsOf(after) - rowsOf(before)
    }
    for (const [kind, lane] of laneOf) {
      const claim = "select claim_limited_2($1, 7, $2, 'default', $3, false, 5)"
      await one(`claim ${kind}`, claim, [this.#worker, ++this.#token, [lane]])
      await one(`look at ${kind}`, "select look_1($1)", [[lane]])
      const keys = tenantOf(kind, "full")
      const jobs = newJobsText([testJob({ kind, ...(kind !== "few" && { keys }) })])
      await one(`enqueue ${kind}`, "select enqueue_2($1::jsonb)", [jobs])
      const batch = `select add_keyed_jobs_1(
        array[gen_random_uuid()], '[{}]', array['[["a","b"]]'], $1, 0, null, 1, 'default', null, null, 1, 1, null, null, null)`
      await one(`enqueue a batch of ${kind}`, batch, [lane])
    }
    const settle = `select settle_2($1, jsonb_agg(
      jsonb_build_object('id', id, 'attempt', attempt, 'token', token, 'to', 'completed')))
      from job where id = (select (array_agg(id order by id))[1] from running where lane = $2)`
    for (const [kind, lane] of laneOf) await one(`complete ${kind}`, settle, [this.#worker, lane])
    return reads
  }
}

test.each([["as it is"], ["that was analyzed"]])(
  "no statement under limits reads more rows because more jobs wait, on a database %s, planned when it was empty",
  async (name) => {
    await using ground = await openTestStore()
    const { store, client } = ground
    const asker = new Asker(ground, await limited(ground))
    const run = async (): Promise<void> => {
      const claims = [{ queue: "default", kinds: ["few", "rated", "keyed", "daily"], limit: 500 }]
      const worker = { workerId: "w", ref: 1, token: 7 }
      const ask = { worker, settlements: [], claims, token: 99, repeat: false, solo: false }
      await store.exchange(ask)
      await client.query("drop table if exists running")
      await client.query("create temporary table running as select * from job where state = 2")
    }
    await run()
    for (let round = 0; round < 6; round++) await asker.readAll()
    const before = await asker.readAll()
    await work(store, 1_000)
    await run()
    if (name !== "as it is") await client.query("analyze")
    // The first one also meets what was just written over, and marks it so that others need not.
    await asker.readAll()
    const after = await asker.readAll()
    for (const [what, rows] of Object.entries(after)) {
      expect(rows, `${what}: ${before[what]} before`).toBeLessThan(150)
    }
  },
)
