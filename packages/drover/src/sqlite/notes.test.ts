import { DatabaseSync } from "node:sqlite"
import { beforeEach, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { ClaimedJob, LogLine, Store } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { sqliteShared } from "./index.ts"

let db: DatabaseSync
let store: Store
let attempt: ClaimedJob

beforeEach(async () => {
  db = new DatabaseSync(":memory:")
  const environment = {
    clock: new ManualClock(),
    rng: new SeededRng("notes"),
    events: new Events(),
  }
  store = sqliteShared(db).connect(environment)
  await store.open({ migrate: true })
  await store.enqueue([
    {
      id: "019b0000-0000-7000-8000-000000000001",
      ...{ kind: "mail", queue: "default", priority: 1, input: "{}", delayMs: 0, runAt: null },
      ...{ expireMs: null, maxAttempts: 5, maxCrashes: 3, timeoutMs: null, retry: null, tags: [] },
      ...{ metadata: null, unique: null },
    },
  ])
  const identity = { workerId: "w", token: 1, leaseMs: 30_000, host: "here", pid: 1, info: "{}" }
  const worker = await store.registerWorker(identity)
  const claims = [{ queue: "default", kinds: ["mail"], limit: 1 }]
  const request = { worker, settlements: [], claims, token: 7, repeat: false, solo: false }
  const [claimed] = (await store.exchange(request)).claimed
  if (claimed === undefined) throw new Error("nothing was claimed")
  attempt = claimed
})

function lines(from: number, count: number, message = ""): LogLine[] {
  return Array.from({ length: count }, (_, index) => ({
    ...{ attempt: 1, at: from + index, level: "info" as const, fields: null },
    message: `${message}${from + index}`,
  }))
}

async function kept(): Promise<{ first: number; last: number; count: number; dropped: number }> {
  const log = await store.log(attempt.jobId)
  return {
    first: log.lines[0]?.at ?? -1,
    last: log.lines.at(-1)?.at ?? -1,
    count: log.lines.length,
    dropped: log.dropped,
  }
}

test("a log keeps its newest 1000 lines and counts the others", async () => {
  await store.appendLog(attempt, lines(0, 600), 0)
  await store.appendLog(attempt, lines(600, 600), 5)
  expect(await kept()).toEqual({ first: 200, last: 1_199, count: 1_000, dropped: 205 })
})

test("of a flood in one call only the end is written", async () => {
  await store.appendLog(attempt, lines(0, 5_000), 1)
  expect(await kept()).toEqual({ first: 4_000, last: 4_999, count: 1_000, dropped: 4_001 })
})

test("a log keeps at most 256 KiB", async () => {
  const long = "é".repeat(5_000)
  for (let from = 0; from < 40; from += 4) await store.appendLog(attempt, lines(from, 4, long), 0)
  const log = await kept()
  expect(log.last).toBe(39)
  expect(log.count).toBe(26)
  expect(log.dropped).toBe(14)
  const stored = db.prepare("select sum(octet_length(message)) bytes from drover_log").get()
  expect(stored?.["bytes"]).toBeLessThanOrEqual(262_144)
  expect(db.prepare("select kept, bytes from drover_log_count").get()).toEqual({
    __proto__: null,
    kept: 26,
    bytes: stored?.["bytes"],
  })
})

test("a line that is larger than a log is counted, not kept", async () => {
  await store.appendLog(attempt, lines(0, 2), 0)
  const large = lines(2, 1, "x".repeat(300_000))
  await store.appendLog(attempt, [...lines(2, 1), ...large], 0)
  expect(await kept()).toEqual({ first: 0, last: 2, count: 3, dropped: 1 })
})

test("dropped lines without any to keep are counted", async () => {
  await store.appendLog(attempt, [], 3)
  expect(await kept()).toEqual({ first: -1, last: -1, count: 0, dropped: 3 })
})

test("progress beyond 16 KiB is refused, and the last one stays", async () => {
  await store.progress(attempt, "1")
  const large = JSON.stringify("é".repeat(8_192))
  await expect(store.progress(attempt, large)).rejects.toMatchObject({
    code: "DROVER_PAYLOAD_TOO_LARGE",
  })
  expect((await store.get(attempt.jobId))?.progress?.value).toBe("1")
})
