import { expect, test } from "vitest"
import { asLeader } from "../store/asLeader.fixture.ts"
import { connectTest } from "./fixtures/testServer.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { keepIndexes } from "./indexKeeper.ts"

const PAGES = 10

/** Makes the indexes of the jobs much larger than their rows need. */
async function bloat({ store, client }: TestStore): Promise<void> {
  await store.enqueue(Array.from({ length: 5_000 }, () => testJob()))
  await client.query("delete from job where id not in (select id from job limit 10)")
  await client.query("vacuum analyze job")
}

async function pagesOf({ client }: TestStore, name: string): Promise<number> {
  const { rows } = await client.query(`select pg_relation_size(to_regclass($1)) / 8192 as pages`, [
    name,
  ])
  return Number((rows[0] as { pages: string }).pages)
}

async function invalid({ client, schema }: TestStore): Promise<readonly string[]> {
  const { rows } = await client.query(
    `select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and not i.indisvalid`,
    [schema],
  )
  return rows.map(({ relname }: { relname: string }) => relname)
}

/** Whether a statement that begins like this runs in the schema. */
async function waits({ client, schema }: TestStore, begin: string): Promise<boolean> {
  const { rows } = await client.query(
    "select 1 from pg_stat_activity where state = 'active' and query like $1 || '%' and query like '%' || $2 || '%'",
    [begin, schema],
  )
  return rows.length > 0
}

const never = new AbortController().signal

test("the most bloated index is rebuilt, one at a time", async () => {
  await using world = await openTestStore()
  await bloat(world)
  const { term } = await asLeader(world.store)
  const done = await keepIndexes(world, { term, signal: never }, PAGES)
  if (done === "term_ended") throw new Error("the test leads")
  expect(done.rebuilt).toHaveLength(1)
  expect(await pagesOf(world, done.rebuilt[0]!)).toBeLessThan(PAGES)
  expect(await invalid(world)).toEqual([])
})

test("what a rebuild that was cut short left is dropped, and nothing that is not a rebuild's", async () => {
  await using world = await openTestStore()
  await world.store.enqueue([testJob(), testJob()])
  for (const name of ["job_due_ccnew", "job_due_ccnew1", "job_half_built"]) {
    const doubled = `create unique index concurrently ${name} on job (priority)`
    await expect(world.client.query(doubled)).rejects.toThrow(/could not create unique index/)
  }
  const { term } = await asLeader(world.store)
  const done = await keepIndexes(world, { term, signal: never })
  expect(done).toMatchObject({ rebuilt: [], dropped: ["job_due_ccnew", "job_due_ccnew1"] })
  expect(await invalid(world)).toEqual(["job_half_built"])
})

test("a leader that is stopped mid-way ends the rebuild and leaves nothing behind", async () => {
  await using world = await openTestStore()
  await bloat(world)
  const { term } = await asLeader(world.store)
  // A rebuild waits for transactions that are open: this one holds it up in its middle.
  const holder = await connectTest()
  await holder.query(`begin; select 1 from ${world.schema}.job limit 1`)
  const stop = new AbortController()
  const keeping = keepIndexes(world, { term, signal: stop.signal }, PAGES)
  const ended = expect(keeping).rejects.toThrow(/cancel/i)
  while ((await invalid(world)).length === 0);
  stop.abort(new Error("the term has ended"))
  // The rebuild has been cancelled when the cleaning waits for the same transaction.
  while (!(await waits(world, "drop index concurrently")));
  await holder.query("commit")
  await ended
  await holder.end()
  expect(await invalid(world)).toEqual([])
})

test("nobody whose term has ended rebuilds anything", async () => {
  await using world = await openTestStore()
  await bloat(world)
  const ended = { term: 1, token: 1 }
  const request = { term: ended, signal: never }
  expect(await keepIndexes(world, request, PAGES)).toBe("term_ended")
})

test("a client with one connection works on beside a rebuild, and can end it", async () => {
  await using world = await openTestStore({ max: 1 })
  await bloat(world)
  const { term } = await asLeader(world.store)
  const holder = await connectTest()
  await holder.query(`begin; select 1 from ${world.schema}.job limit 1`)
  const stop = new AbortController()
  const keeping = keepIndexes(world, { term, signal: stop.signal }, PAGES)
  const ended = expect(keeping).rejects.toThrow(/cancel/i)
  while ((await invalid(world)).length === 0);
  expect(await world.store.enqueue([testJob()])).toMatchObject([{ status: "enqueued" }])
  stop.abort(new Error("the term has ended"))
  while (!(await waits(world, "drop index concurrently")));
  await holder.query("commit")
  await ended
  await holder.end()
})
