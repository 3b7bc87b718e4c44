import { parseArgs } from "node:util"
import pg from "pg"
import { layouts } from "./postgresLayouts.ts"

/**
 * `node bench/postgresLayout.ts --url postgres://… --layout marker`: what a layout of the job tables can do before
 * there is any runtime. The figures of docs/decisions/0010-postgres-tables.md come from here; the layouts are those of
 * postgresLayouts.ts.
 */
const { values } = parseArgs({
  options: {
    url: { type: "string", default: "postgres://postgres@127.0.0.1:5432/postgres" },
    layout: { type: "string", default: "marker" },
    jobs: { type: "string", default: "200000" },
    batch: { type: "string", default: "200" },
    flights: { type: "string", default: "2" },
    history: { type: "string", default: "0" },
    fill: { type: "string", default: "50" },
    /** How Postgres keeps the arrays of a batch: external as they are, extended compressed. */
    storage: { type: "string", default: "external" },
    rounds: { type: "string", default: "3" },
    /** Seconds of 2000 jobs/s beside an open transaction. */
    pinned: { type: "string", default: "0" },
  },
})

const layout = layouts[values.layout]
if (layout === undefined) throw new Error(`--layout ${Object.keys(layouts).join("|")}`)
if (layout.goesOn === true && values.flights !== "1")
  throw new Error(`--layout ${values.layout} has no fence between two claimers: --flights 1`)
const clients = await Promise.all(Array.from({ length: Number(values.flights) }, () => connect()))
let ids = 0
let tokens = 0

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: values.url })
  await client.connect()
  await client.query(
    "set search_path = drover_layout; set jit = off; set plan_cache_mode = force_generic_plan",
  )
  return client
}

async function run(name: string, client: pg.Client, params: unknown[]): Promise<unknown[][]> {
  const text = layout![name as "exchange"]
  const { rows } = await client.query({ name, text, values: params, rowMode: "array" })
  return rows
}

interface Flight {
  rows: unknown[][]
  token: number
}

/** Claims and completes in one transaction each, until nothing is left. */
async function drainOpen(client: pg.Client, batch: number): Promise<number> {
  const { claim, witness, settle } = layout!.open!
  const other = await connect()
  await other.query("set synchronous_commit = off")
  let settled = 0
  let mark = 0
  let before = 0
  for (;;) {
    await client.query("begin")
    const claimed = { name: "claim", text: claim, values: [batch, mark], rowMode: "array" }
    const { rows } = await client.query<unknown[]>(claimed)
    if (rows.length === 0) break
    const list = (column: number): string => `{${rows.map((row) => row[column]).join(",")}}`
    const token = ++tokens
    const seen = [process.pid, before, token, list(0)]
    await other.query({ name: "witness", text: witness, values: seen })
    const ends = [list(0), list(2), token, `{${rows.map((row) => Number(row[1]) + 1).join(",")}}`]
    const ended = await client.query<[number]>({
      name: "settle",
      text: settle,
      values: ends,
      rowMode: "array",
    })
    await client.query("commit")
    settled += ended.rows[0]![0]
    mark = Math.max(mark, Number(rows[0]![17]) - 2000)
    before = token
  }
  await client.query("commit")
  await other.end()
  return settled
}

/** Claims and completes until nothing is left; the low watermark is that of the rows it claimed. */
async function drain(client: pg.Client, batch: number): Promise<number> {
  let last: Flight = { rows: [], token: 0 }
  let settled = 0
  let mark = 0
  for (;;) {
    const next = await exchange(client, last, batch, mark)
    settled += last.rows.length
    if (next.rows.length === 0) return settled
    mark = Math.max(mark, Number(next.rows[0]![17]) - 2000)
    last = next
  }
}

async function exchange(
  client: pg.Client,
  last: Flight,
  batch: number,
  mark: number,
): Promise<Flight> {
  const token = ++tokens * 1000 + process.pid
  const list = (column: number): string => `{${last.rows.map((row) => row[column]).join(",")}}`
  const tokenList = `{${last.rows.map(() => last.token).join(",")}}`
  const params = [list(0), list(1), tokenList, list(2), batch, token, mark]
  if (layout!.goesOn === true) {
    const before = last.rows.at(-1)
    params[6] = Number(before?.[17] ?? 0)
    params.push((before?.[0] as string | undefined) ?? "00000000-0000-0000-0000-000000000000")
  } else if (values.layout === "marker") params.push(last.token)
  return { rows: await run("exchange", client, params), token }
}

async function enqueue(client: pg.Client, count: number, chunk = 1000): Promise<void> {
  for (let done = 0; done < count; done += chunk) {
    const from = ids + 1
    ids += chunk
    await run("enqueue", client, [Math.min(chunk, count - done), from])
  }
}

const first = clients[0]!
await first.query("drop schema if exists drover_layout cascade; create schema drover_layout")
await first.query(layout.schema.replace("FILL", values.fill).replaceAll("STORAGE", values.storage))
const count = Number(values.jobs)
const batch = Number(values.batch)
if (Number(values.history) > 0) {
  const started = performance.now()
  await first.query({ text: layout.history, values: [Number(values.history)] })
  await first.query("vacuum analyze")
  console.log(`history of ${values.history}: ${Math.round((performance.now() - started) / 1000)} s`)
}
for (let round = 0; round < Number(values.rounds); round++) {
  let started = performance.now()
  await Promise.all(clients.map((client) => enqueue(client, count / clients.length)))
  const enqueued = count / (performance.now() - started)
  started = performance.now()
  const before = (await first.query("select pg_current_wal_lsn() as lsn")).rows[0].lsn
  const settled = (
    await Promise.all(clients.map((client) => (layout.open ? drainOpen : drain)(client, batch)))
  ).reduce((a, b) => a + b)
  const ms = performance.now() - started
  const wal = (
    await first.query("select pg_wal_lsn_diff(pg_current_wal_lsn(), $1)::bigint as b", [before])
  ).rows[0].b
  console.log(
    `${values.layout} batch ${batch}: enqueue ${(enqueued * 1000).toFixed(0)}/s, drain ${((settled / ms) * 1000).toFixed(0)}/s (${settled}), ${(Number(wal) / settled).toFixed(0)} bytes of WAL a job`,
  )
}
if (Number(values.pinned) > 0) await pinned(Number(values.pinned))
console.table(
  (
    await first.query(`select relname, n_live_tup, n_dead_tup, n_tup_upd, n_tup_hot_upd, pg_total_relation_size(relid) / 1000000 as mb
  from pg_stat_user_tables where schemaname = 'drover_layout'`)
  ).rows,
)
for (const client of clients) await client.end()

/** 2000 jobs/s, 50 at a time, enqueued and drained beside a transaction that keeps its snapshot. */
async function pinned(seconds: number): Promise<void> {
  const holder = await connect()
  await holder.query("begin isolation level repeatable read; select count(*) from job")
  const [producer, worker] = clients as [pg.Client, pg.Client]
  const from = performance.now()
  let times: number[] = []
  let produced = 0
  let settled = 0
  let last: Flight = { rows: [], token: 0 }
  let mark = 0
  let nextReport = 15
  const producing = (async () => {
    while (performance.now() - from < seconds * 1000) {
      const due = Math.floor(((performance.now() - from) / 1000) * 2000)
      if (due - produced >= 50) {
        await enqueue(producer, 50, 50)
        produced += 50
      } else await new Promise((r) => setTimeout(r, 5))
    }
  })()
  while (performance.now() - from < seconds * 1000) {
    const started = performance.now()
    const next = await exchange(worker, last, 50, mark)
    times.push(performance.now() - started)
    settled += last.rows.length
    if (next.rows.length > 0) mark = Math.max(mark, Number(next.rows[0]![17]) - 2000)
    else await new Promise((r) => setTimeout(r, 10))
    last = next
    if (performance.now() - from > nextReport * 1000) {
      times.sort((a, b) => a - b)
      const at = (q: number): string => times[Math.floor(times.length * q)]!.toFixed(1)
      console.log(
        `pinned ${nextReport} s: exchange p50 ${at(0.5)} p99 ${at(0.99)} max ${times.at(-1)!.toFixed(1)} ms, backlog ${produced - settled}`,
      )
      times = []
      nextReport += 15
    }
  }
  await producing
  await holder.query("rollback")
  await holder.end()
}
