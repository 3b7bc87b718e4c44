import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync, StatementSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { Events } from "../events/index.ts"
import type { NewJob, Store, WorkerRef } from "../store/index.ts"
import { ManualClock, SeededRng, UuidMaker } from "../time/index.ts"
import { sqlite } from "./index.ts"
import { asLeader } from "../store/asLeader.fixture.ts"

const rng = new SeededRng("plans")

let folder: string
let path: string
let clock: ManualClock
let ids: UuidMaker
let store: Store
let worker: WorkerRef

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "drover-plans-"))
  path = join(folder, "app.db")
  clock = new ManualClock()
  ids = new UuidMaker(clock, rng)
  store = sqlite(path).connect({ clock, rng, events: new Events() })
  await store.open({ migrate: true })
  const identity = { workerId: "w", token: 7, leaseMs: 30_000, host: "h", pid: 1, info: "{}" }
  worker = await store.registerWorker(identity)
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

function job(over: Partial<NewJob> = {}): NewJob {
  const defaults = { kind: "k", queue: "q", priority: 1, input: "{}", delayMs: 0, runAt: null }
  const limits = { expireMs: null, maxAttempts: 3, maxCrashes: 3, timeoutMs: null, retry: null }
  return { id: ids.next(), ...defaults, ...limits, tags: [], metadata: null, unique: null, ...over }
}

/** Jobs in every state, most of them finished or of kinds that nobody here runs. */
async function fill(): Promise<void> {
  const many = (count: number, over: Partial<NewJob>): Promise<unknown> =>
    store.enqueue(Array.from({ length: count }, () => job(over)))
  await many(500, { kind: "old" })
  await store.act("discard", {}, { actor: "a", reason: "r", limit: 1_000 })
  await many(500, { kind: "unknown", priority: 0 })
  await many(200, { kind: "unknown", delayMs: 60_000, expireMs: 60_000 })
  await many(100, { delayMs: 60_000 })
  await many(100, {})
  await many(100, { kind: "other" })
}

/** All that a worker does over and over again, with and without anything to do. */
async function workALittle(kinds: readonly string[]): Promise<void> {
  const ask = { worker, token: 8, repeat: false, solo: false }
  const claims = [{ queue: "q", kinds, limit: 5 }]
  const { claimed } = await store.exchange({ ...ask, settlements: [], claims })
  const error = { name: "E", message: "m" }
  const settlements = claimed.map((attempt, index) => ({
    attempt,
    settlement:
      index % 2 === 0
        ? ({ to: "completed", result: null } as const)
        : ({ to: "retryable", delayMs: 5, error } as const),
  }))
  await store.exchange({ ...ask, settlements, claims })
  await store.exchange({ ...ask, settlements: [], claims, solo: true })
  await store.peek({ worker, queues: [{ queue: "q", kinds }] })
  await store.beat(worker, 30_000)
  const leader = await asLeader(store)
  await leader.rescue({ deadWorkers: ["nobody"], expiredLeases: true, limit: 100 })
  await leader.expire(100)
  const day = 86_400_000
  await leader.prune({ completedMs: day, discardedMs: day, cancelledMs: day, bytes: 1e9 }, 100)
  const { term } = leader
  await store.claimTurn({ term, service: "s", everyMs: 5_000 })
  await store.renewTerm(term, 15_000)
  await store.clean({ term, idleMs: day, limit: 100 })
  await store.addSamples({ term, samples: [], keepMs: day, limit: 100 })
  await store.samples({ queue: null, sinceMs: day, limit: 100 })
  await store.samples({ queue: "q", sinceMs: day, limit: 100 })
  await store.leader()
  await store.finished([ids.next()])
  await store.trailAfter(null, 10)
  await store.now()
}

/** The statements that were run, each as SQLite would carry it out now. */
function plansOf(texts: Iterable<string>): readonly (readonly [string, string])[] {
  const db = new DatabaseSync(path, { readOnly: true })
  onTestFinished(() => db.close())
  return [...texts]
    .filter((text) => !/^\s*pragma/i.test(text))
    .map((text) => {
      const rows = db.prepare(`explain query plan ${text}`).all()
      return [text, rows.map(({ detail }) => String(detail)).join("\n")] as const
    })
}

describe.each([
  ["as it is", false],
  ["after somebody ran analyze", true],
])("on a database %s", (_, analyzed) => {
  test.each([[["k"]], [["k", "other", "never enqueued"]]])(
    "what a worker of %j does never walks a table or sorts one",
    async (kinds) => {
      await fill()
      if (analyzed) {
        const db = new DatabaseSync(path)
        db.exec("analyze")
        db.close()
      }
      const spies = (["run", "get", "all"] as const).map((name) =>
        vi.spyOn(StatementSync.prototype, name),
      )
      await workALittle(kinds)
      await clock.advance(10_000)
      await workALittle(kinds)
      const texts = new Set(
        spies.flatMap((spy) =>
          spy.mock.contexts.map((statement) => (statement as StatementSync).sourceSQL),
        ),
      )
      vi.restoreAllMocks()
      const plans = plansOf(texts)
      expect(plans.length).toBeGreaterThan(15)
      for (const [text, plan] of plans) {
        expect(plan, text).not.toMatch(
          /^SCAN (drover_)?(job|trail|j|t|log|input|progress)\b(?! USING (COVERING )?INDEX)/m,
        )
        expect(plan, text).not.toContain("USE TEMP B-TREE FOR ORDER BY")
      }
    },
  )
})
