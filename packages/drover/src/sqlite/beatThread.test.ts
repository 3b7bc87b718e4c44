import { mkdtempSync, renameSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import { systemClock } from "../time/index.ts"
import type { BeatThread, BeatThreadOptions } from "../store/index.ts"
import { startBeatThread } from "./beatThread.ts"
import type { StoreContext } from "./context.ts"
import { migrations } from "./generated/migrations.ts"
import { prepareFile } from "./safety.ts"
import type { FileIdentity } from "./safety.ts"

const TOKEN = 77

let folder: string
let file: FileIdentity
let db: DatabaseSync
let threads: BeatThread[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-beat-"))
  file = prepareFile(join(folder, "app.db"))
  db = new DatabaseSync(file.path, { timeout: 0 })
  db.exec("pragma journal_mode = wal")
  for (const { sql } of migrations) db.exec(sql)
  db.prepare(
    `insert into drover_worker (ref, id, token, host, pid, started_at, beat_at, lease_until, info)
     values (1, 'w', ?, 'here', 1, 0, 0, 0, '{}')`,
  ).run(TOKEN)
  threads = []
})
afterEach(async () => {
  for (const thread of threads) await thread.stop()
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What the thread reports, in order, to be awaited one by one. */
class Reports {
  readonly #ready: string[] = []
  readonly #waiting: ((report: string) => void)[] = []
  readonly sent: number[] = []

  add(report: string): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#ready.push(report)
    else waiting(report)
  }

  /** Forgets what was reported so far. */
  clear(): void {
    this.#ready.length = 0
  }

  next(): Promise<string> {
    const ready = this.#ready.shift()
    if (ready !== undefined) return Promise.resolve(ready)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

async function start(options: Partial<BeatThreadOptions> = {}): Promise<[BeatThread, Reports]> {
  const reports = new Reports()
  const thread = await startBeatThread({ file } as StoreContext, {
    worker: { workerId: "w", ref: 1, token: TOKEN },
    leaseMs: 30_000,
    everyMs: 20,
    stallMs: 60_000,
    onBeat: (sentMono) => {
      reports.sent.push(sentMono)
      reports.add("beat")
    },
    onLost: () => reports.add("lost"),
    onError: (error) => reports.add(isDroverError(error) ? error.code : String(error)),
    ...options,
  })
  threads.push(thread)
  return [thread, reports]
}

function lease(): { until: number; beat: number; store: number } {
  return db
    .prepare(
      "select lease_until until, beat_at beat, (select store_at from drover_pulse) store from drover_worker",
    )
    .get() as { until: number; beat: number; store: number }
}

test("each beat prolongs the lease by the store's clock and moves that clock on", async () => {
  const [, reports] = await start()
  await reports.next()
  const first = lease()
  expect(first.until).toBe(first.beat + 30_000)
  expect(first.store).toBeGreaterThanOrEqual(first.beat)
  // What was read may be a later beat than the one reported.
  while (lease().until <= first.until) await reports.next()
  expect(lease().beat).toBeGreaterThan(first.beat)
})

test("a beat says when it was sent, on the clock that the main thread reads", async () => {
  const before = systemClock.monotonic()
  const [, reports] = await start()
  await reports.next()
  const [sent] = reports.sent
  expect(sent).toBeGreaterThan(before)
  expect(sent).toBeLessThan(systemClock.monotonic())
})

test("a store clock that is ahead of the wall is followed, not set back", async () => {
  const ahead = systemClock.now() + 3_600_000
  db.prepare("update drover_pulse set store_at = ?").run(ahead)
  const [, reports] = await start()
  await reports.next()
  const first = lease()
  expect(first.beat).toBeGreaterThanOrEqual(ahead)
  // It flows although the wall clock has not caught up.
  while (lease().beat <= first.beat) await reports.next()
  expect(lease().beat).toBeLessThan(ahead + 3_600_000)
})

test("a busy main thread does not keep the thread from beating", async () => {
  const [, reports] = await start()
  await reports.next()
  const first = lease().beat
  // Blocks this thread, as a handler would, until the other one has beaten twice more.
  while (lease().beat <= first);
  const second = lease().beat
  while (lease().beat <= second);
  expect(lease().beat).toBeGreaterThan(second)
})

test("no beat is sent once the main thread has not touched it for too long, until it does", async () => {
  const stallMs = 400
  const [thread, reports] = await start({ stallMs })
  thread.touch()
  const touchedMono = systemClock.monotonic()
  await reports.next()
  // Hangs for longer than a stall, as a handler would.
  while (systemClock.monotonic() < touchedMono + 1.5 * stallMs);
  const beaten = lease().beat
  thread.touch()
  while (lease().beat === beaten);
  // The reports of the meantime come in once this thread turns again.
  while ((reports.sent.at(-1) ?? 0) <= touchedMono + 1.5 * stallMs) await reports.next()
  const silence = reports.sent.filter(
    (mono) => mono > touchedMono + stallMs + 1 && mono < touchedMono + 1.5 * stallMs,
  )
  expect(silence).toEqual([])
})

test("a worker that was ended is lost, and the thread ends", async () => {
  const [thread, reports] = await start()
  await reports.next()
  db.exec("update drover_worker set ended_at = 1")
  reports.clear()
  // A beat may still be on its way.
  const report = await reports.next()
  expect(report === "beat" ? await reports.next() : report).toBe("lost")
  await thread.stop()
  expect(lease().until).toBeGreaterThan(0)
})

test("a beat with another token is lost", async () => {
  const [, reports] = await start({ worker: { workerId: "w", ref: 1, token: TOKEN + 1 } })
  expect(await reports.next()).toBe("lost")
  expect(lease().until).toBe(0)
})

test("a database that another writer holds is waited for", async () => {
  db.exec("begin immediate")
  const [, reports] = await start({ everyMs: 10_000 })
  db.exec("commit")
  expect(await reports.next()).toBe("beat")
})

test("a database that stays busy is reported, and the beat comes when it is free", async () => {
  db.exec("begin immediate")
  const [, reports] = await start({ everyMs: 30 })
  expect(await reports.next()).toBe("DROVER_STORE_BUSY")
  db.exec("commit")
  while ((await reports.next()) !== "beat");
  expect(lease().until).toBeGreaterThan(0)
})

test("a file that was replaced is never beaten into", async () => {
  const [, reports] = await start()
  await reports.next()
  renameSync(file.path, join(folder, "elsewhere.db"))
  reports.clear()
  let report = await reports.next()
  while (report === "beat") report = await reports.next()
  expect(report).toBe("DROVER_STORE_REPLACED")
})

test("a database that was restored over the open one is noticed", async () => {
  const [, reports] = await start()
  await reports.next()
  db.exec("update drover_pulse set instance = 'another'")
  let report = await reports.next()
  while (report === "beat") report = await reports.next()
  expect(report).toBe("DROVER_STORE_REPLACED")
})

test("stopping waits for the thread and can be asked for twice", async () => {
  const [thread, reports] = await start({ everyMs: 60_000 })
  await reports.next()
  await thread.stop()
  await thread.stop()
  // Nobody else has the file open for writing: the log can be taken down.
  expect(db.prepare("pragma wal_checkpoint(truncate)").get()).toMatchObject({ busy: 0 })
})
