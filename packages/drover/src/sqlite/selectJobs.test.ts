import { DatabaseSync } from "node:sqlite"
import { beforeAll, describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { jobStates } from "../store/index.ts"
import type { JobSelection, JobState, Store } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { migrations } from "./generated/migrations.ts"
import { sqliteShared } from "./index.ts"
import { seqsOfState } from "./selectJobs.ts"

// More than a walk looks at in one piece, and more than a probe of an index takes.
const JOBS = 13_000

let store: Store
let rows: { seq: number; id: string; state: JobState; queue: string; tags: string[]; at: number }[]

/** Completed jobs, with a few of other states between them, some tags, and holes where jobs were pruned. */
beforeAll(async () => {
  const db = new DatabaseSync(":memory:")
  const clock = new ManualClock()
  store = sqliteShared(db).connect({ clock, rng: new SeededRng("jobs"), events: new Events() })
  await store.open({ migrate: true })
  db.exec(
    "insert into drover_lane (id, queue, kind) values (1, 'default', 'mail'), (2, 'media', 'mail')",
  )
  const insert = db.prepare(
    `insert into drover_job
       (seq, id, lane, state, rank, run_at, priority, max_attempts, max_crashes, enqueued_at, trail,
        worker, finished_at, input, tags, unique_label)
     values (?, ?, ?, ?, 0, ?, 1, 5, 3, ?, 0, ?, ?, '{}', ?, ?)`,
  )
  rows = []
  for (let seq = 1; seq <= JOBS; seq++) {
    if (seq > 4_000 && seq < 9_000 && seq % 7 !== 0) continue
    const state = seq % 1_000 === 1 ? ((seq - 1) / 1_000) % 4 : 4
    const tags = [...(seq % 3 === 0 ? ["x"] : []), ...(seq % 501 === 0 ? ["rare"] : [])]
    const id = `job-${String(seq).padStart(6, "0")}`
    const at = Math.floor(seq / 10)
    const key = seq % 2 === 0 ? "even" : seq === 77 ? "odd one" : null
    insert.run(
      ...[seq, id, (seq % 2) + 1, state, at, at, state === 2 ? 1 : null, state === 4 ? at : null],
      ...[tags.length === 0 ? null : JSON.stringify(tags), key],
    )
    const queue = seq % 2 === 0 ? "default" : "media"
    rows.push({ seq, id, state: jobStates[state] as JobState, queue, tags, at })
  }
})

function expected(matches: (row: (typeof rows)[number]) => boolean): string[] {
  return rows.filter(matches).map(({ id }) => id)
}

async function listed(selection: JobSelection): Promise<string[]> {
  const ids: string[] = []
  let after: string | null = null
  do {
    const page = await store.list(selection, { limit: 700, after })
    ids.push(...page.jobs.map(({ id }) => id))
    after = page.next
  } while (after !== null)
  return ids.toReversed()
}

const selections: readonly [string, JobSelection, (row: (typeof rows)[number]) => boolean][] = [
  ["everything", {}, () => true],
  ["a state with many jobs", { states: ["completed"] }, ({ state }) => state === "completed"],
  ["states with few", { states: ["scheduled", "retryable"] }, ({ state }) => /sch|ret/.test(state)],
  ["the running", { states: ["running"] }, ({ state }) => state === "running"],
  ["the available", { states: ["available"] }, ({ state }) => state === "available"],
  ["a queue", { queues: ["media"] }, ({ queue }) => queue === "media"],
  ["a rare tag", { tags: ["rare"] }, ({ tags }) => tags.includes("rare")],
  ["two tags", { tags: ["x", "rare"] }, ({ tags }) => tags.length === 2],
  ["a key of many", { uniqueKey: "even" }, ({ seq }) => seq % 2 === 0],
  ["a key of one", { uniqueKey: "odd one" }, ({ seq }) => seq === 77],
  ["a key of nobody", { uniqueKey: "nobody's" }, () => false],
  ["a span", { enqueuedAfter: 300, enqueuedBefore: 800 }, ({ at }) => at >= 300 && at < 800],
  ["after the end", { enqueuedAfter: 5_000 }, () => false],
  ["before the beginning", { enqueuedBefore: 0 }, () => false],
  [
    "all at once",
    { queues: ["media"], states: ["available"], tags: [], enqueuedAfter: 100 },
    (row) => row.queue === "media" && row.state === "available" && row.at >= 100,
  ],
]

describe.each(selections)("jobs selected by %s", (_, selection, matches) => {
  test("are listed, in order, over all pages", async () => {
    expect(await listed(selection)).toEqual(expected(matches))
  })

  test("are counted, up to the cap", async () => {
    const { length } = expected(matches)
    expect(await store.count(selection, JOBS)).toBe(length)
    expect(await store.count(selection, 5)).toBe(Math.min(5, length))
  })
})

test("a position that no page gave is refused", async () => {
  const page = { limit: 1, after: "1; drop table drover_job" }
  await expect(store.list({}, page)).rejects.toMatchObject({ code: "DROVER_CONFIG" })
})

test("the jobs of a state are found by an index that covers them", () => {
  const db = new DatabaseSync(":memory:")
  db.exec(migrations[0].sql)
  for (const [code, sql] of seqsOfState.entries()) {
    const plan = db.prepare(`explain query plan ${sql} limit ?`).all(code, 10)
    const walks = plan.map(({ detail }) => String(detail)).filter((text) => /drover_job/.test(text))
    expect(walks.length, jobStates[code]).toBeGreaterThan(0)
    for (const walk of walks) expect(walk, jobStates[code]).toMatch(/USING COVERING INDEX/)
  }
})
