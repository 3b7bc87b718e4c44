import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { sqlite } from "../sqlite/index.ts"
import { EventProbe } from "../testing/index.ts"
import { Drover } from "./drover.ts"
import type { Transaction } from "./transaction.ts"

const mail = defineJob("mail", { run: ({ input }: JobContext<number>) => input })

let folder: string
let file: string
let drover: Drover
let probe: EventProbe

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "drover-tx-"))
  file = join(folder, "app.db")
  drover = new Drover({ store: sqlite(file), jobs: [mail] })
  probe = new EventProbe(drover.events)
})

afterEach(async () => {
  await drover.close()
  rmSync(folder, { recursive: true })
})

describe("a transaction of the client", () => {
  test("commits the user's rows and the jobs together, and only then tells anybody", async () => {
    const handle = await drover.transaction(async (tx) => {
      const db = tx.connection as DatabaseSync
      db.exec("create table account (id integer primary key) strict")
      db.exec("insert into account values (7)")
      const made = await tx.enqueue(mail, 7)
      expect(probe.of("job.enqueued")).toEqual([])
      return made
    })
    expect(probe.of("job.enqueued")).toMatchObject([{ jobId: handle.id }])
    expect(await handle.state()).toBe("available")
    const db = new DatabaseSync(file)
    expect(db.prepare("select id from account").all()).toMatchObject([{ id: 7 }])
    db.close()
  })

  test("that fails leaves neither rows nor jobs, and no event", async () => {
    const failing = drover.transaction(async (tx) => {
      ;(tx.connection as DatabaseSync).exec("create table account (id integer primary key) strict")
      await tx.enqueueMany(mail, [{ input: 1 }, { input: 2 }])
      throw new Error("changed my mind")
    })
    await expect(failing).rejects.toThrow("changed my mind")
    expect(await drover.count()).toBe(0)
    expect(probe.of("job.enqueued")).toEqual([])
    const db = new DatabaseSync(file)
    expect(() => db.prepare("select * from account")).toThrow(/no such table/)
    db.close()
  })

  test("takes enqueues that name it, from code that only has the client", async () => {
    await drover.transaction(async (transaction) => {
      await drover.enqueue(mail, 1, { transaction })
      await expect(transaction.enqueue(mail, 2, { prioritty: 1 } as never)).rejects.toThrow(
        /priority/,
      )
    })
    expect(await drover.count()).toBe(1)
  })

  test("of another client is refused: the job would be in a database that nobody asks", async () => {
    await using other = new Drover({ store: sqlite(":memory:"), jobs: [mail] })
    await drover.transaction(async (transaction) => {
      await expect(other.enqueue(mail, 1, { transaction })).rejects.toMatchObject({
        code: "DROVER_TRANSACTION",
        message: expect.stringContaining("another client"),
      })
    })
    expect(await drover.count()).toBe(0)
    expect(await other.count()).toBe(0)
  })

  test("refuses what would wait for its own end, and goes on; afterwards all is as before", async () => {
    let later: () => Promise<unknown> = () => Promise.resolve()
    const { id } = await drover.transaction(async (tx) => {
      for (const wait of [
        () => drover.enqueue(mail, 1),
        () => drover.enqueueMany(mail, [{ input: 1 }]),
        () => drover.pauseQueue("default"),
        () => drover.transaction(() => null),
      ]) {
        await expect(wait()).rejects.toMatchObject({
          code: "DROVER_TRANSACTION",
          message: expect.stringContaining("would wait for itself"),
        })
      }
      later = () => drover.enqueue(mail, 3)
      return tx.enqueue(mail, 2)
    })
    await later()
    expect((await drover.list()).jobs.map(({ input }) => input)).toEqual([3, 2])
    expect(await drover.get(id)).toMatchObject({ state: "available" })
  })

  test("used after its end is refused", async () => {
    const kept: Transaction[] = []
    await drover.transaction((tx) => {
      kept.push(tx)
    })
    await expect(kept[0]?.enqueue(mail, 1)).rejects.toMatchObject({ code: "DROVER_TRANSACTION" })
    expect(() => kept[0]?.connection).toThrow(/used after it ended/)
    expect(await drover.count()).toBe(0)
  })

  test("that took too long finds its connection closed to it, and leaves nothing", async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const slow = drover.transaction(
      async (tx) => {
        ;(tx.connection as DatabaseSync).exec("create table account (id integer) strict")
        await slowly
        try {
          ;(tx.connection as DatabaseSync).exec("create table late (id integer) strict")
        } catch (error) {
          resolve(error)
        }
      },
      { timeout: 1 },
    )
    const slowly = slow.catch(() => {})
    await expect(slow).rejects.toMatchObject({ code: "DROVER_TRANSACTION" })
    expect(await promise).toMatchObject({ code: "DROVER_TRANSACTION" })
  })

  test("wakes a worker of the same client when it commits", async () => {
    await using worker = await drover.work()
    const handle = await drover.transaction((tx) => tx.enqueue(mail, 5))
    expect(await handle.result({ timeout: "30s" })).toBe(5)
    expect(worker.state).toBe("running")
  })
})

describe("a transaction on the user's own connection", () => {
  test("that rolls back: the job never was; that commits: it is found and run", async () => {
    const waiting = await drover.work()
    const db = new DatabaseSync(file, { timeout: 5_000 })
    db.exec("begin immediate")
    await drover.enqueue(mail, 1, { transaction: db })
    db.exec("rollback")
    expect(await drover.count()).toBe(0)

    db.exec("begin immediate")
    const handle = await drover.enqueue(mail, 2, { transaction: db })
    expect(await drover.get(handle.id)).toBeNull()
    db.exec("commit")
    db.close()
    expect(await handle.result({ timeout: "30s" })).toBe(2)
    await waiting.stop()
  })

  test("must be open, and on the same database", async () => {
    await drover.count()
    const idle = new DatabaseSync(file)
    const other = new DatabaseSync(join(folder, "other.db"))
    other.exec("begin immediate")
    for (const transaction of [idle, other, {}, "db"]) {
      await expect(drover.enqueue(mail, 1, { transaction })).rejects.toMatchObject({
        code: "DROVER_TRANSACTION",
      })
    }
    idle.close()
    other.close()
    expect(await drover.count()).toBe(0)
  })
})
