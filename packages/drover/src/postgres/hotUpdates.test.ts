import type pg from "pg"
import { afterAll, beforeAll, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { ExchangeReply, NewJob, Store } from "../store/index.ts"
import { systemClock, systemRng } from "../time/index.ts"
import { connectTest, freshSchema, testServerUrl } from "./fixtures/testServer.ts"
import { queries } from "./generated/queries.ts"
import { postgres } from "./index.ts"
import { inSchema } from "./schemaName.ts"

const schema = freshSchema()
let store: Store
let sql: pg.Client

beforeAll(async () => {
  const source = postgres({ url: await testServerUrl(), schema })
  store = source.connect({ clock: systemClock, rng: systemRng, events: new Events() })
  await store.open({ migrate: true })
  sql = await connectTest()
})

afterAll(async () => {
  await sql.query(`drop schema ${schema} cascade`)
  await sql.end()
  await store.close()
})

let ids = 0

function job(over: Partial<NewJob> = {}): NewJob {
  const id = `019b0000-0000-7000-8000-${(++ids).toString(16).padStart(12, "0")}`
  return {
    ...{ id, kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
    ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null },
    ...{ tags: [], metadata: null, unique: null },
    ...over,
  }
}

// What the query exchange sets when it completes a job.
const SETTLED = ["state", "worker", "finished_at", "result", "reason", "error", "trail"]

test("no index of jobs names a column that a settle changes, not even in its predicate", async () => {
  const { rows } = await sql.query(
    `select pg_get_indexdef(indexrelid) as text from pg_index where indrelid = '${schema}.job'::regclass`,
  )
  const indexes = (rows as { text: string }[]).map(({ text }) => text)
  expect(indexes.length).toBeGreaterThan(5)
  for (const text of indexes) {
    const named = text.slice(text.indexOf(" USING ")).split(/\W+/)
    expect(
      SETTLED.filter((column) => named.includes(column)),
      text,
    ).toEqual([])
  }
})

test("a claim and a peek read no more of the jobs that wait for later than they must", async () => {
  await store.enqueue(Array.from({ length: 3_000 }, () => job({ delayMs: 3_600_000 })))
  await store.enqueue(Array.from({ length: 10 }, () => job()))
  const worker = await store.registerWorker({
    ...{ workerId: "w", token: 7, leaseMs: 60_000, host: "h", pid: 1, info: "{}" },
  })
  const claims = [{ queue: "default", kinds: ["mail"], limit: 2 }]
  const claim = (token: number): Promise<ExchangeReply> =>
    store.exchange({ worker, settlements: [], claims, token, repeat: false, solo: false })
  expect((await claim(1)).claimed).toHaveLength(2)
  const { rows } = await sql.query(`select id from ${schema}.lane`)
  const lane = (rows as { id: number }[])[0]!.id
  const exchange = ["{}", "{}", "{}", "{}", null, worker.ref, 7, 2, [lane], [0], [2 ** 60], [2], 2]
  const asked = {
    exchange: [...exchange, "default", false, "{}"],
    peek: [worker.ref, 7, [lane], [0], [0]],
  }
  for (const name of ["exchange", "peek"] as const) {
    expect(await rowsRead(name, asked[name]), name).toBeLessThan(50)
  }
})

test("the arrays of a batch that was claimed and completed are kept as they are, however large", async () => {
  // So many that each array of a row is large by itself.
  const size = 1_000
  const claims = [{ queue: "batch", kinds: ["mail"], limit: size }]
  await store.enqueue(Array.from({ length: size }, () => job({ queue: "batch" })))
  const worker = await store.registerWorker({
    ...{ workerId: "batch", token: 9, leaseMs: 60_000, host: "h", pid: 1, info: "{}" },
  })
  const ask = { worker, repeat: false, solo: false }
  const { claimed } = await store.exchange({ ...ask, settlements: [], claims, token: 1 })
  expect(claimed).toHaveLength(size)
  const claim = `select jobs as value from ${schema}.claim where worker = ${worker.ref}`
  expect(await stored(claim)).toEqual([{ isLarge: true, compression: null }])
  const settlements = claimed.map((attempt) => {
    return { attempt, settlement: { to: "completed", result: null } as const }
  })
  const reply = await store.exchange({ ...ask, settlements, claims: [], token: 2 })
  expect(reply.settled).toEqual(settlements.map(() => "settled"))
  for (const column of ["jobs", "prevs", "attempts"]) {
    const ofBoth = `select ${column} as value from ${schema}.trail where worker = ${worker.ref} order by seq`
    const plain = { isLarge: true, compression: null }
    expect(await stored(ofBoth), column).toEqual([plain, plain])
  }
})

/** How values lie in their table, and whether they are so large that Postgres compresses them unless it is told not to. */
async function stored(
  values: string,
): Promise<readonly { readonly isLarge: boolean; readonly compression: string | null }[]> {
  const { rows } = await sql.query(
    `select pg_column_size(v.value) > 2000 as "isLarge", pg_column_compression(v.value) as compression from (${values}) v`,
  )
  return rows as { isLarge: boolean; compression: string | null }[]
}

type PlanValue = string | number | boolean | null | readonly (string | number)[]

/** The most rows that one step of the plan read, as it is kept for any values. */
async function rowsRead(name: "exchange" | "peek", values: readonly PlanValue[]): Promise<number> {
  await sql.query("begin; set local plan_cache_mode = force_generic_plan")
  await sql.query(`prepare asked as ${inSchema(queries[name], schema)}`)
  const given = values.map((value) =>
    value === null
      ? "null"
      : Array.isArray(value)
        ? `'{${value.join(",")}}'`
        : `'${String(value)}'`,
  )
  const { rows } = await sql.query(
    `explain (analyze, format json) execute asked(${given.join(", ")})`,
  )
  await sql.query("rollback; deallocate asked")
  const [{ Plan: plan }] = (rows as { "QUERY PLAN": [{ Plan: PlanStep }] }[])[0]!["QUERY PLAN"]
  return mostRows(plan)
}

interface PlanStep {
  readonly "Actual Rows": number
  readonly "Actual Loops": number
  readonly "Rows Removed by Filter"?: number
  readonly Plans?: readonly PlanStep[]
}

function mostRows(step: PlanStep): number {
  const own = step["Actual Rows"] * step["Actual Loops"] + (step["Rows Removed by Filter"] ?? 0)
  return Math.max(own, ...(step.Plans ?? []).map(mostRows))
}
