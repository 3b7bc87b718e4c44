import type pg from "pg"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { BidReply, Store, TermRef } from "../store/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { dropSchemas } from "./fixtures/dropSchema.ts"
import { fakeTime } from "./fixtures/fakeTime.ts"
import type { FakeTime } from "./fixtures/fakeTime.ts"
import { connectTest, freshSchema, testServerUrl } from "./fixtures/testServer.ts"
import { postgres } from "./index.ts"

const ttlMs = 15_000
const schema = freshSchema()
let admin: pg.Client
let time: FakeTime
let store: Store
let at = 1_800_000_000_000

beforeAll(async () => {
  admin = await connectTest()
  time = await fakeTime(admin, await testServerUrl(), `${schema}_time`)
  const environment = { clock: systemClock, rng: systemRng, events: new Events() }
  store = postgres({ url: time.url, schema }).connect(environment)
  await store.migrate({ dryRun: false })
  await store.open({ migrate: false })
})

afterAll(async () => {
  await store.close()
  await dropSchemas(admin, schema, `${schema}_time`)
  await admin.end()
})

beforeEach(async () => {
  // Whatever the test before left has ended.
  at += 10 * ttlMs
  await time.set(at)
})

function bid(token: number): Promise<BidReply> {
  const candidate = { id: `c${token}`, host: "here", pid: 1, info: "{}" }
  return store.bid({ candidate, token, ttlMs })
}

async function lead(token: number): Promise<TermRef> {
  const reply = await bid(token)
  if (!reply.won) throw new Error(`${reply.leader.id} leads`)
  return { term: reply.term, token }
}

/** A maintenance transaction of a term that is open, as another process has it. */
async function openWrite({ term, token }: TermRef): Promise<pg.Client> {
  const client = await connectTest(time.url)
  await client.query("begin")
  const held = await client.query(
    `select 1 from ${schema}.term where term = $1 and token = $2 and until_at > ${schema}.clock_ms() for key share`,
    [term, token],
  )
  expect(held.rowCount).toBe(1)
  return client
}

/** Resolves when a statement of the store waits for a lock. */
async function waitsForLock(): Promise<void> {
  for (;;) {
    const { rows } = await admin.query(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%' || $1 || '%'",
      [`${schema}.term`],
    )
    if (rows.length > 0) return
  }
}

describe("a takeover", () => {
  test("waits for a write of the old term that is under way, and begins after its commit", async () => {
    const old = await lead(1)
    const writer = await openWrite(old)
    await time.set((at += ttlMs))
    let won: BidReply | undefined
    const taking = bid(2).then((reply) => (won = reply))
    await waitsForLock()
    await writer.query(`insert into ${schema}.turn (service, at, term) values ('late', 1, $1)`, [
      old.term,
    ])
    expect(won).toBeUndefined()
    await writer.query("commit")
    await taking
    expect(won).toEqual({ won: true, term: old.term + 1 })
    await writer.end()
  })

  test("waits no longer than a transaction may take, when the writer hangs", async () => {
    const old = await lead(3)
    const writer = await openWrite(old)
    // As `settleSession` does with longer ones. Its backend ends by itself, whatever its client does.
    await writer.query("set local idle_in_transaction_session_timeout = '300ms'")
    await time.set((at += ttlMs))
    expect(await bid(4)).toEqual({ won: true, term: old.term + 1 })
    await expect(writer.query("commit")).rejects.toThrow(/terminat|closed|not queryable/i)
  })

  test("is what the first statement of a late write finds, which then changes nothing", async () => {
    const old = await lead(5)
    await time.set((at += ttlMs))
    await lead(6)
    expect(await store.expire({ term: old, limit: 1 })).toBe("term_ended")
    const client = await connectTest(time.url)
    await client.query("begin")
    const held = await client.query(
      `select 1 from ${schema}.term where term = $1 and token = $2 and until_at > ${schema}.clock_ms() for key share`,
      [old.term, old.token],
    )
    expect(held.rowCount).toBe(0)
    await client.query("rollback")
    await client.end()
  })
})

test("renewals and a resignation wait for no write of their own term", async () => {
  const term = await lead(7)
  const writer = await openWrite(term)
  expect(await store.renewTerm(term, ttlMs)).toBe("held")
  expect(await store.resignTerm(term)).toBe("resigned")
  await writer.query("rollback")
  await writer.end()
})
