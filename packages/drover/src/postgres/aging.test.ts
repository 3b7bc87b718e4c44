import { expect, test } from "vitest"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import { connectTest } from "./fixtures/testServer.ts"

test("a job that was enqueued by the rule of aging before the last, and committed later, gets its place from the leader", async () => {
  await using ground = await openTestStore()
  const { store, schema, client } = ground
  const producer = await connectTest()
  await producer.query("begin")
  const { rows } = await producer.query(`select ${schema}.enqueue('mail', '{}') as id`)
  const { id } = rows[0] as { id: string }
  await store.setQueue("default", { agingMs: 1_000 }, "ann")
  await producer.query("commit")
  await producer.end()
  const early = testJob({ priority: 100 })
  await store.enqueue([early])
  const order = async (): Promise<readonly string[]> => {
    const sql = "select id from job where waits is not null order by rank, id"
    return (await client.query(sql)).rows.map((row) => (row as { id: string }).id)
  }
  expect(await order(), "placed by the rule before").toEqual([early.id, id])

  const bid = { candidate: { id: "l", host: "h", pid: 1, info: "{}" }, token: 9, ttlMs: 60_000 }
  const won = await store.bid(bid)
  if (!won.won) throw new Error("nobody else leads here")
  const term = { term: won.term, token: 9 }
  await store.clean({ term, idleMs: 86_400_000, limit: 10 })
  expect(await order(), "both have the same priority, and it came first").toEqual([id, early.id])
})
