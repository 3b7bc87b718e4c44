import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { movePartNames } from "../store/index.ts"
import type { JobRow, MoveStore, NewJob, Store } from "../store/index.ts"
import { digestOf } from "./digest.ts"
import { lockWait } from "../postgres/fixtures/lockWait.ts"
import { connectTest } from "../postgres/fixtures/testServer.ts"
import { fill, hashOf, idOf, told } from "./fixtures/filledStore.ts"
import { Places, sourceOf } from "./fixtures/places.ts"
import type { Dialect, Place } from "./fixtures/places.ts"
import { abortMove, move } from "./move.ts"

let places: Places
let from: Place
let to: Place

afterEach(async () => {
  await places[Symbol.asyncDispose]()
})

async function ends(): Promise<{ source: MoveStore; target: MoveStore }> {
  return { source: await places.mover(from), target: await places.mover(to) }
}

/** What a new worker gets, in order. */
async function claimedBy(of: Store): Promise<{ ordinary: string[]; alone: string[] }> {
  const fresh = { workerId: "new", token: 1, leaseMs: 60_000, host: "h", pid: 2, info: "{}" }
  const worker = await of.registerWorker(fresh)
  const ask = async (limit: number, solo: boolean): Promise<string[]> => {
    const claims = ["default", "slow", "keyed"].map((queue) => ({
      queue,
      kinds: ["mail", "image", "keyed"],
      limit,
    }))
    const request = { worker, settlements: [], claims, token: limit, repeat: false, solo }
    return (await of.exchange(request)).claimed.map(({ jobId }) => jobId)
  }
  return { ordinary: await ask(100, false), alone: await ask(1, true) }
}

async function digests(of: MoveStore): Promise<unknown> {
  const found: unknown[] = []
  for (const part of movePartNames) found.push(await digestOf(of, part, 10))
  return found
}

const pairs: readonly (readonly [Dialect, Dialect])[] = [
  ["sqlite", "sqlite"],
  ["sqlite", "postgres"],
  ["postgres", "sqlite"],
  ["postgres", "postgres"],
]

describe.each(pairs)("from %s to %s", (fromDialect, toDialect) => {
  beforeEach(async () => {
    places = new Places()
    from = await places.make(fromDialect, "from.db")
    to = await places.make(toDialect, "to.db")
  })

  describe("a move", () => {
    test("takes everything over: what can be asked of the target is what the source said", async () => {
      const before = await places.store(from)
      await fill(before)
      const expected = await told(before)
      const states = new Set(
        (expected as { jobs: { row: JobRow }[] }).jobs.map(({ row }) => row.state),
      )
      expect(states.size, "the test has a job in every state").toBe(7)
      const report = await move(await ends(), { newId: "m", batch: 7 })
      expect(report.status).toBe("moved")
      const jobs = (expected as { jobs: unknown[] }).jobs.length
      expect(report.rows).toMatchObject({ workers: 2, queues: 2, jobs })
      const empty = movePartNames.filter((part) => (report.rows[part] ?? 0) === 0)
      expect(empty, "the test has rows of every part").toEqual([])
      expect(await told(await places.store(to))).toEqual(expected)
    })

    test("leaves a target that works: jobs run in the order that they had, those that crashed alone", async () => {
      const before = await places.store(from)
      await fill(before)
      const twin = await places.store(await places.make(from.dialect, "twin.db"))
      await fill(twin)
      await move(await ends(), { newId: "m", batch: 100 })
      const after = await places.store(to)
      const order = await claimedBy(after)
      expect(order).toEqual(await claimedBy(twin))
      expect(order.ordinary.length).toBeGreaterThan(10)
      expect(order.alone).toHaveLength(1)
    })

    test("keeps unique keys held, and what was folded into their jobs", async () => {
      await fill(await places.store(from))
      await move(await ends(), { newId: "m", batch: 100 })
      const after = await places.store(to)
      const again = { ...job(), id: idOf(700), unique: key("a") }
      expect(await after.enqueue([again])).toMatchObject([{ status: "duplicate", id: idOf(104) }])
      expect(await after.enqueue([{ ...again, unique: key("new") }])).toMatchObject([
        { status: "enqueued" },
      ])
    })

    test("shuts the source for good, for those who have it open too, and names the target", async () => {
      const before = await places.store(from)
      await fill(before)
      await move(await ends(), { newId: "m", batch: 100 })
      const moved = {
        code: "DROVER_STORE_MOVED",
        message: expect.stringContaining(`it was moved to ${sourceOf(to).label}`),
      }
      const newJob = { ...job(), id: idOf(999) }
      await expect(before.enqueue([newJob])).rejects.toMatchObject(moved)
      await expect((await places.store(from)).enqueue([newJob])).rejects.toMatchObject(moved)
      const shut = { check: "move", status: "fail", value: sourceOf(to).label }
      expect(await before.doctor()).toContainEqual(expect.objectContaining(shut))
      const worker = { workerId: "w", token: 1, leaseMs: 1_000, host: "h", pid: 1, info: "{}" }
      await expect(before.registerWorker(worker)).rejects.toMatchObject(moved)
      await expect(before.setQueue("slow", { slots: 1 }, "x")).rejects.toMatchObject(moved)
      // To look is still allowed.
      expect(await before.get(idOf(1))).not.toBeNull()
      expect((await (await places.store(to)).enqueue([newJob]))[0]?.status).toBe("enqueued")
    })

    test("is refused while a worker is alive, and shuts nothing then", async () => {
      const before = await places.store(from)
      await before.registerWorker({
        workerId: "alive",
        token: 1,
        leaseMs: 60_000,
        host: "h",
        pid: process.pid,
        info: "{}",
      })
      await expect(move(await ends(), { newId: "m", batch: 10 })).rejects.toMatchObject({
        code: "DROVER_MOVE_REFUSED",
        message: expect.stringContaining("alive"),
      })
      expect((await before.enqueue([job()]))[0]?.status).toBe("enqueued")
    })

    test("into a database that holds anything is refused, and opens the source again", async () => {
      const before = await places.store(from)
      await (await places.store(to)).enqueue([job()])
      await expect(move(await ends(), { newId: "m", batch: 10 })).rejects.toMatchObject({
        code: "DROVER_MOVE_REFUSED",
        message: expect.stringContaining("empty"),
      })
      expect((await before.enqueue([job()]))[0]?.status).toBe("enqueued")
    })

    test("of an empty database is a move too", async () => {
      await places.store(from)
      expect(await move(await ends(), { newId: "m", batch: 10 })).toMatchObject({ status: "moved" })
    })

    test("run again after its end says so and does nothing", async () => {
      await fill(await places.store(from))
      const both = await ends()
      await move(both, { newId: "m", batch: 10 })
      expect(await move(both, { newId: "other", batch: 10 })).toMatchObject({
        status: "already",
        rows: { jobs: await both.source.countRows("jobs") },
      })
    })

    test("and back gives the same", async () => {
      await fill(await places.store(from))
      const { source, target } = await ends()
      const before = await digests(source)
      await move({ source, target }, { newId: "m", batch: 9 })
      const back = await places.mover(await places.make(from.dialect, "back.db"))
      await move({ source: target, target: back }, { newId: "n", batch: 11 })
      expect(await digests(back)).toEqual(before)
      await expect((await places.store(to)).enqueue([job()])).rejects.toMatchObject({
        code: "DROVER_STORE_MOVED",
      })
    })
  })

  test("importing a page twice brings it once", async () => {
    await fill(await places.store(from))
    const { source, target } = await ends()
    const note = {
      id: "m",
      role: "source",
      state: "moving",
      peer: sourceOf(to).label,
      progress: {},
    } as const
    await source.shut(note)
    await target.shutEmpty({ ...note, role: "target" }, 0)
    const page = await source.exportRows("queues", null, 1)
    const put = { from: null, to: page.next, rows: page.rows }
    expect(await target.importRows("queues", put)).toBe("imported")
    expect(await target.importRows("queues", put)).toBe("repeated")
    expect(await target.countRows("queues")).toBe(1)
  })

  // Each store on each side once: it takes its time.
  if (fromDialect === toDialect) return
  describe("a move that was cut short", () => {
    test("shuts both, goes on where it was, and does no page twice", async () => {
      await fill(await places.store(from))
      const { source, target } = await ends()
      const before = await digests(source)
      const stop = new AbortController()
      const cut = move(
        { source, target },
        {
          newId: "m",
          batch: 7,
          signal: stop.signal,
          onProgress: ({ part }) => part === "trail" && stop.abort(new Error("cut")),
        },
      )
      await expect(cut).rejects.toThrow("cut")
      const shut = { code: "DROVER_STORE_MOVED" }
      await expect((await places.store(from)).enqueue([job()])).rejects.toMatchObject({
        ...shut,
        message: expect.stringContaining(`it is being moved to ${sourceOf(to).label}`),
      })
      await expect((await places.store(to)).enqueue([job()])).rejects.toMatchObject({
        ...shut,
        message: expect.stringContaining(`it is being filled from ${sourceOf(from).label}`),
      })
      expect((await move({ source, target }, { newId: "ignored", batch: 7 })).status).toBe("moved")
      expect(await digests(target)).toEqual(before)
    })

    test("can be given up: the target is empty and the source goes on, and another move may begin", async () => {
      const first = await places.store(from)
      await fill(first)
      const { source, target } = await ends()
      const stop = new AbortController()
      const onProgress = (): void => stop.abort(new Error("cut"))
      await expect(
        move({ source, target }, { newId: "m", batch: 7, signal: stop.signal, onProgress }),
      ).rejects.toThrow("cut")
      const elsewhere = await places.mover(await places.make(from.dialect, "elsewhere.db"))
      await expect(
        move({ source, target: elsewhere }, { newId: "x", batch: 7 }),
      ).rejects.toMatchObject({
        code: "DROVER_MOVE_REFUSED",
        message: expect.stringContaining("--abort"),
      })
      await abortMove({ source, target })
      expect((await first.enqueue([{ ...job(), id: idOf(998) }]))[0]?.status).toBe("enqueued")
      expect((await (await places.store(to)).list({}, { limit: 10, after: null })).jobs).toEqual([])
      await expect(abortMove({ source, target })).rejects.toMatchObject({
        code: "DROVER_MOVE_REFUSED",
      })
      expect((await move({ source, target: elsewhere }, { newId: "y", batch: 50 })).rows.jobs).toBe(
        await source.countRows("jobs"),
      )
      await expect(abortMove({ source, target: elsewhere })).rejects.toThrow(/was moved to/)
    })

    test(
      "by kill -9 around one write after the other arrives whole",
      { timeout: 300_000 },
      async () => {
        await fill(await places.store(from))
        const source = await places.mover(from)
        const before = await digests(source)
        const program = join(import.meta.dirname, "fixtures/mover.ts")
        const words = (number: number): string[] => [
          "--conditions=@drover/source",
          program,
          JSON.stringify(from),
          JSON.stringify(to),
          String(number),
        ]
        let kills = 0
        for (let number = 0; number < 400; number++) {
          const run = promisify(execFile)(process.execPath, words(number % 12))
          const end = await run.then(
            ({ stdout }) => stdout,
            (error: { signal?: string }) => error.signal,
          )
          if (end === "done") break
          expect(end).toBe("SIGKILL")
          kills++
        }
        expect(kills).toBeGreaterThan(8)
        expect(await digests(await places.mover(to))).toEqual(before)
        expect(
          (await (await places.store(to)).enqueue([{ ...job(), id: idOf(997) }]))[0]?.status,
        ).toBe("enqueued")
      },
    )

    test("two movers at once bring everything once", async () => {
      await fill(await places.store(from))
      const [one, two] = [await ends(), await ends()]
      const before = await digests(one.source)
      const stop = new AbortController()
      const cut = { newId: "m", batch: 7, signal: stop.signal }
      await expect(
        move(one, { ...cut, onProgress: () => stop.abort(new Error("cut")) }),
      ).rejects.toThrow("cut")
      // One may find that the other has ended it all; both may not fail, and nothing may be doubled.
      const runs = await Promise.allSettled(
        [one, two].map((each) => move(each, { newId: "x", batch: 7 })),
      )
      expect(runs.map(({ status }) => status)).toContain("fulfilled")
      expect(await digests(await places.mover(to))).toEqual(before)
      expect(
        (await (await places.store(to)).enqueue([{ ...job(), id: idOf(996) }]))[0]?.status,
      ).toBe("enqueued")
    })

    test("and changed behind its back is found out at the end", async () => {
      await fill(await places.store(from))
      const { source, target } = await ends()
      const lying: MoveStore = new Proxy(target, {
        get: (_, name) => {
          const value: unknown = Reflect.get(target, name, target)
          if (typeof value !== "function") return value
          if (name !== "importRows") return value.bind(target)
          return (part: string, page: { rows: (string | number | null)[][] }) =>
            Reflect.apply(value, target, [
              part,
              part === "logs"
                ? { ...page, rows: page.rows.map((row) => row.with(4, "lie")) }
                : page,
            ])
        },
      })
      await expect(
        move({ source, target: lying }, { newId: "m", batch: 50 }),
      ).rejects.toMatchObject({
        code: "DROVER_MOVE_REFUSED",
        message: expect.stringMatching(/^logs: .* --abort/),
      })
    })
  })
})

test("a transaction that was open when a move began is waited for, and what it enqueued goes along", async () => {
  places = new Places()
  from = await places.make("postgres", "from")
  to = await places.make("sqlite", "to.db")
  const before = await places.store(from)
  const [user, witness] = [await connectTest(), await connectTest()]
  await user.query("begin")
  await before.adopt(user).enqueue([job()])
  const moving = move(await ends(), { newId: "m", batch: 10 })
  await lockWait(witness, from.name)
  await user.query("commit")
  expect((await moving).rows).toMatchObject({ jobs: 1, trail: 1 })
  expect((await (await places.store(to)).get(job().id))?.state).toBe("available")
  // And one that begins later is refused.
  await user.query("begin")
  await expect(before.adopt(user).enqueue([{ ...job(), id: idOf(995) }])).rejects.toMatchObject({
    code: "DROVER_STORE_MOVED",
  })
  await user.query("rollback")
  await user.end()
  await witness.end()
})

function key(text: string): NonNullable<NewJob["unique"]> {
  const states = ["scheduled", "available", "running", "retryable"] as const
  return { hash: hashOf(text), label: "k", mode: "skip", states, forMs: null, maxWaitMs: null }
}

function job(): NewJob {
  return {
    ...{
      id: idOf(500),
      kind: "mail",
      queue: "default",
      priority: 1,
      input: "{}",
      delayMs: 0,
      runAt: null,
    },
    ...{
      expireMs: null,
      maxAttempts: 5,
      maxCrashes: 3,
      timeoutMs: null,
      retry: null,
      tags: [],
      metadata: null,
    },
    unique: null,
  }
}
