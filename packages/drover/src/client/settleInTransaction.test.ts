import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { isDroverError } from "../errors/index.ts"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { discard, snooze } from "../jobs/define/outcome.ts"
import { sqlite } from "../sqlite/index.ts"
import { EventProbe } from "../testing/index.ts"
import { Drover } from "./drover.ts"

let folder: string
let file: string
let drover: Drover
let probe: EventProbe

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-settle-"))
  file = join(folder, "app.db")
  const db = new DatabaseSync(file)
  db.exec("create table effect (n integer) strict")
  db.close()
})

afterEach(async () => {
  await drover.close()
  rmSync(folder, { recursive: true })
})

function open(run: (context: JobContext) => unknown): JobDefinition {
  const job = defineJob("pay", { retry: { maxAttempts: 2, backoff: "fixed", base: 0 }, run })
  drover = new Drover({ store: sqlite(file), jobs: [job] })
  probe = new EventProbe(drover.events)
  return job
}

function effects(): number {
  const db = new DatabaseSync(file)
  const rows = db.prepare("select n from effect").all()
  db.close()
  return rows.length
}

function write(connection: unknown): void {
  ;(connection as DatabaseSync).exec("insert into effect values (1)")
}

describe("a handler that settles in a transaction", () => {
  test("ends its job with what it wrote, and is told as completed once", async () => {
    const job = open(({ settle }) =>
      drover.transaction(async (tx) => {
        write(tx.connection)
        await settle(tx, { paid: true })
      }),
    )
    await using _worker = await drover.work()
    const handle = await drover.enqueue(job, undefined)
    expect(await handle.result()).toEqual({ paid: true })
    await probe.next("job.completed")
    expect(effects()).toBe(1)
    expect(probe.of("job.fenced")).toEqual([])
    const row = await drover.get(handle.id)
    expect(row).toMatchObject({ state: "completed", attempt: 1 })
  })

  test("cannot change its job any more after the commit, whatever it does", async () => {
    const job = open(async ({ settle }) => {
      await drover.transaction(async (tx) => {
        write(tx.connection)
        await settle(tx, "paid")
      })
      throw new Error("too late")
    })
    await using _worker = await drover.work()
    const handle = await drover.enqueue(job, undefined)
    expect(await handle.result()).toBe("paid")
    await probe.next("job.completed")
    expect(probe.of("job.failed")).toEqual([])
    expect(effects()).toBe(1)
  })

  test("whose transaction rolls back goes on as if it had not settled", async () => {
    let attempts = 0
    const job = open(async ({ settle }) => {
      attempts += 1
      await drover.transaction(async (tx) => {
        write(tx.connection)
        await settle(tx, attempts)
        if (attempts === 1) throw new Error("rolled back")
      })
    })
    await using _worker = await drover.work()
    const handle = await drover.enqueue(job, undefined)
    expect(await handle.result()).toBe(2)
    expect(effects()).toBe(1)
    expect(probe.of("job.failed")).toHaveLength(1)
    expect(await drover.get(handle.id)).toMatchObject({ attempt: 2, failures: 1 })
  })

  test("may use a connection of its own, and end with an outcome", async () => {
    const job = open(async ({ settle }) => {
      const db = new DatabaseSync(file)
      db.exec("begin immediate")
      write(db)
      await settle(db, discard("paid elsewhere"))
      db.exec("commit")
      db.close()
    })
    await using _worker = await drover.work()
    const handle = await drover.enqueue(job, undefined)
    await probe.next("job.discarded")
    expect(await drover.get(handle.id)).toMatchObject({
      state: "discarded",
      reason: "paid elsewhere",
    })
    expect(effects()).toBe(1)
  })

  test.for([
    ["a result", (): unknown => "first", "completed"],
    ["a snooze", (): unknown => snooze(60_000), "scheduled"],
  ] as const)(
    "learns that it settles a second time, and the first one, %s, stands",
    async ([, first, state]) => {
      const refused: unknown[] = []
      const job = open(({ settle }) =>
        drover.transaction(async (tx) => {
          write(tx.connection)
          await settle(tx, first())
          await settle(tx, discard("second")).catch((error: unknown) => refused.push(error))
        }),
      )
      await using _worker = await drover.work()
      const handle = await drover.enqueue(job, undefined)
      await probe.next(state === "completed" ? "job.completed" : "job.snoozed")
      expect(refused).toHaveLength(1)
      expect(isDroverError(refused[0], "DROVER_TRANSACTION")).toBe(true)
      expect((refused[0] as Error).message).toMatch(/settled before, .*settle once/)
      expect(await drover.get(handle.id)).toMatchObject({ state })
      expect(probe.of("job.discarded")).toEqual([])
      expect(probe.of("job.fenced")).toEqual([])
      expect(effects()).toBe(1)
    },
  )

  test("has its effect once, although it runs the transaction again after a commit whose reply was lost", async () => {
    const job = open(async ({ settle }) => {
      const once = (): Promise<void> =>
        drover.transaction(async (tx) => {
          write(tx.connection)
          await settle(tx, "paid")
        })
      await once()
      await once()
    })
    await using _worker = await drover.work()
    const handle = await drover.enqueue(job, undefined)
    expect(await handle.result()).toBe("paid")
    await probe.next("job.completed")
    expect(effects()).toBe(1)
    expect(probe.of("job.failed")).toEqual([])
  })

  test("is refused what is no transaction, and may end otherwise", async () => {
    const refused: unknown[] = []
    const job = open(async ({ settle }) => {
      await settle({}, 1).catch((error: unknown) => refused.push(error))
      return "anyway"
    })
    await using _worker = await drover.work()
    const handle = await drover.enqueue(job, undefined)
    expect(await handle.result()).toBe("anyway")
    expect(refused.map((error) => isDroverError(error, "DROVER_TRANSACTION"))).toEqual([true])
  })
})
