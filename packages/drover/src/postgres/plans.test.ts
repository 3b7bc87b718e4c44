import { expect, test } from "vitest"
import type { ClaimedJob, WorkerRef } from "../store/index.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"

// What the server counted at the ends of transactions, by all sessions that looked it up meanwhile.
const READ = `
  select coalesce(sum(s.seq_tup_read), 0)::integer + coalesce(sum(s.idx_tup_fetch), 0)::integer
    + (select coalesce(sum(i.idx_tup_read), 0)::integer from pg_stat_user_indexes i where i.schemaname = current_schema())
    as rows
  from pg_stat_user_tables s where s.schemaname = current_schema()`

/** How many rows of tables and indexes something read. The store has one connection for work, which says when it is done. */
async function rowsRead(
  { database, client }: TestStore,
  work: () => Promise<unknown>,
): Promise<number> {
  const flushed = async (): Promise<number> => {
    await database.plain("test", (db) => db.text("select pg_stat_force_next_flush()"))
    // Flushed when the connection has nothing to do.
    await database.plain("test", (db) => db.text("select 1"))
    const { rows } = await client.query(READ)
    return (rows[0] as { rows: number }).rows
  }
  const before = await flushed()
  await work()
  return (await flushed()) - before
}

test("what workers repeat reads no more rows on a full table, planned when there was no job", async () => {
  await using world = await openTestStore({ max: 1 })
  const { store } = world
  const facts = { workerId: "w", token: 7, leaseMs: 3_600_000, host: "h", pid: 1, info: "{}" }
  const worker: WorkerRef = await store.registerWorker(facts)
  let token = 0
  let held: readonly ClaimedJob[] = []
  const queues = [{ queue: "default", kinds: ["mail"] }]
  const steps = {
    enqueue: () => store.enqueue([testJob()]),
    look: () => store.peek({ worker, queues }),
    async claim() {
      const claims = [{ ...queues[0]!, limit: 1 }]
      const ask = { worker, settlements: [], claims, token: ++token, repeat: false, solo: false }
      held = (await store.exchange(ask)).claimed
      expect(held).toHaveLength(1)
    },
    async settle() {
      const settlements = held.map((attempt) => ({
        attempt,
        settlement: { to: "completed", result: null } as const,
      }))
      const ask = { worker, settlements, claims: [], token: ++token, repeat: false, solo: false }
      expect((await store.exchange(ask)).settled).toEqual(["settled"])
    },
  }
  // Plans that serve any values are made now, when there is next to nothing.
  for (let round = 0; round < 8; round++) for (const step of Object.values(steps)) await step()
  for (let n = 0; n < 3; n++) await store.enqueue(Array.from({ length: 1_000 }, () => testJob()))
  for (const [name, step] of Object.entries(steps)) {
    expect(await rowsRead(world, step), name).toBeLessThan(200)
  }
})
