import type pg from "pg"
import { expect, test } from "vitest"
import { SeededRng } from "../time/index.ts"
import type { LimitId, NewKey } from "../store/index.ts"
import { limitName } from "../store/index.ts"
import { fakeTime } from "./fixtures/fakeTime.ts"
import type { FakeTime } from "./fixtures/fakeTime.ts"
import { openTestStore, testJob } from "./fixtures/openTestStore.ts"
import type { TestStore } from "./fixtures/openTestStore.ts"
import { connectTest, freshSchema, testServerUrl } from "./fixtures/testServer.ts"

/** The one that workers of the version before call, and the one of today. */
const CLAIMS = ["claim_limited_1", "claim_limited_2"] as const
const STEPS = 60
const WINDOW_MS = 3_000
const START = Date.UTC(2026, 0, 1)

const kindSlots = { scope: "kind", target: "mail", type: "concurrency" } as const
const LIMITS: readonly LimitId[] = [
  { ...kindSlots, by: null },
  { ...kindSlots, by: "tenant" },
  { ...kindSlots, by: "region" },
  { ...kindSlots, type: "rate", by: "tenant" },
  { scope: "queue", target: "default", type: "concurrency", by: null },
  { scope: "queue", target: "default", type: "rate", by: null },
]

interface Waiting {
  readonly id: string
  readonly kind: string
  readonly keys: readonly (readonly [limit: string, key: string])[]
}

interface Claimed {
  readonly ids: readonly string[]
  /** Whom the model starts. Of claims of the version before, and of two at once, only the counts are certain. */
  readonly mayStart: readonly string[]
  /** What counts above its limit, and not only because that was lowered. */
  readonly over: readonly (readonly [meter: string, count: number])[]
}

/** What must hold, counted by hand from the jobs themselves: no tracks, no uses, no marks. */
class Model {
  readonly max: Map<string, number> = new Map()
  readonly started: { readonly meters: readonly string[]; readonly at: number }[] = []

  /** What a job counts under: each limit that is in force, with its key. */
  metersOf({ kind, keys }: Waiting): readonly string[] {
    const wide = LIMITS.filter(
      ({ by, target }) => by === null && [kind, "default"].includes(target),
    )
    const all = [...wide.map((limit) => [limitName(limit), ""] as const), ...keys]
    return all.filter(([limit]) => this.max.has(limit)).map(([limit, key]) => `${limit}/${key}`)
  }

  /** How often each meter counts now. */
  counts(running: readonly Waiting[], now: number): Map<string, number> {
    const counts = new Map<string, number>()
    const add = (meter: string): void => void counts.set(meter, (counts.get(meter) ?? 0) + 1)
    for (const job of running) this.metersOf(job).filter(isConcurrency).forEach(add)
    const counted = this.started.filter(({ at }) => at > now - WINDOW_MS)
    for (const { meters } of counted) meters.filter((meter) => !isConcurrency(meter)).forEach(add)
    return counts
  }

  maxOf(meter: string): number {
    return this.max.get(meter.slice(0, meter.lastIndexOf("/"))) as number
  }

  /** Who starts, of those that wait, in order: each if all its meters leave it room. */
  next(waiting: readonly Waiting[], counts: Map<string, number>, limit: number): string[] {
    const room = new Map(counts)
    const ids: string[] = []
    for (const job of waiting) {
      const meters = this.metersOf(job)
      if (ids.length === limit) break
      if (meters.some((meter) => (room.get(meter) ?? 0) >= this.maxOf(meter))) continue
      for (const meter of meters) room.set(meter, (room.get(meter) ?? 0) + 1)
      ids.push(job.id)
    }
    return ids
  }
}

const isConcurrency = (meter: string): boolean => meter.includes("#concurrency")

/** Two workers that claim from the same jobs by connections of their own, and the model beside them. */
class Walk {
  readonly model: Model = new Model()
  readonly #ground: TestStore
  readonly #second: pg.Client
  readonly #time: FakeTime
  readonly #rng: SeededRng
  #now = START
  #token = 100

  constructor(ground: TestStore, second: pg.Client, time: FakeTime, rng: SeededRng) {
    this.#ground = ground
    this.#second = second
    this.#time = time
    this.#rng = rng
  }

  draw(below: number): number {
    return Math.floor(this.#rng.next() * below)
  }

  async pass(ms: number): Promise<void> {
    this.#now += ms
    await this.#time.set(this.#now)
  }

  async limit(): Promise<void> {
    const limit = LIMITS[this.draw(LIMITS.length)] as LimitId
    const perMs = limit.type === "rate" ? WINDOW_MS : null
    const max = 1 + this.draw(6)
    // What began before a rate did does not count under it.
    if (limit.type === "rate" && !this.model.max.has(limitName(limit))) await this.pass(WINDOW_MS)
    await this.#ground.store.setLimit(limit, { max, perMs, weights: null }, "ann")
    this.model.max.set(limitName(limit), max)
  }

  async enqueue(): Promise<void> {
    const one = (): ReturnType<typeof testJob> => {
      const keys: NewKey[] = LIMITS.filter(({ by }) => by !== null && this.draw(4) > 0).map(
        (limit) => ({ limit: limitName(limit), key: `${limit.by}-${this.draw(4)}` }),
      )
      const isMail = this.draw(5) > 0
      return testJob({
        ...{ kind: isMail ? "mail" : "sms", priority: this.draw(3) },
        ...(isMail && keys.length > 0 && { keys }),
      })
    }
    await this.#ground.store.enqueue(Array.from({ length: 1 + this.draw(12) }, one))
  }

  async settle(): Promise<void> {
    const { client } = this.#ground
    const running = await this.read("j.state = 2")
    const ids = running.filter(() => this.draw(2) === 0).map(({ id }) => id)
    const settle = `select complete_keyed_1(j.worker, array_agg(j.id order by j.id), array_agg(j.attempt order by j.id),
      array_agg(j.token order by j.id), array_agg(j.trail order by j.id), json_agg('[1]'::json))
      from job j where j.id = any ($1) group by j.worker`
    await client.query(settle, [ids])
  }

  /** One claim, or one by each at once. */
  async claim(): Promise<Claimed> {
    const waiting = await this.read("j.state = 1")
    const counts = this.model.counts(await this.read("j.state = 2"), this.#now)
    const limit = 1 + this.draw(8)
    const [one, other] = this.draw(2) === 0 ? CLAIMS : CLAIMS.toReversed()
    const first = this.#claimBy(this.#ground.client, one as string, 1, limit)
    const isAlone = this.draw(3) > 0
    const ids = isAlone
      ? await first
      : (await Promise.all([first, this.#claimBy(this.#second, other as string, 2, limit)])).flat()
    const byId = new Map(waiting.map((job) => [job.id, job]))
    for (const id of ids) {
      this.model.started.push({ meters: this.model.metersOf(byId.get(id)!), at: this.#now })
    }
    const after = this.model.counts(await this.read("j.state = 2"), this.#now)
    const isOver = ([meter, count]: readonly [string, number]): boolean =>
      count > Math.max(counts.get(meter) ?? 0, this.model.maxOf(meter))
    const isToday = isAlone && one === CLAIMS[1]
    const mayStart = isToday ? this.model.next(waiting, counts, limit) : ids
    return { ids: ids.toSorted(), mayStart: mayStart.toSorted(), over: [...after].filter(isOver) }
  }

  async read(which: string): Promise<readonly Waiting[]> {
    const sql = `select j.id, l.kind, coalesce(j.keys::json, '[]') as keys from job j join lane l on l.id = j.lane
      where ${which} order by j.rank, j.id`
    return (await this.#ground.client.query(sql)).rows as Waiting[]
  }

  async #claimBy(client: pg.Client, by: string, worker: number, limit: number): Promise<string[]> {
    const values = [worker, worker, ++this.#token, limit]
    const lanes = "(select coalesce(array_agg(id), '{}') from lane)"
    const sql = `select to_json(jobs) as ids from ${by}($1, $2, $3, 'default', ${lanes}, false, $4)`
    return ((await client.query(sql, values)).rows[0] as { ids: string[] }).ids
  }
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "claims of this version and of the one before, in turn and at once, pass no limit, and this one starts whom a model starts (seed %i)",
  async (seed) => {
    const admin = await connectTest()
    const schema = freshSchema()
    const time = await fakeTime(admin, await testServerUrl(), `${schema}_time`)
    await time.set(START)
    await using ground = await openTestStore({ url: time.url, schema })
    const second = await connectTest(time.url)
    for (const client of [ground.client, second]) {
      await client.query(`set search_path = ${schema}, ${schema}_time, pg_catalog, public`)
    }
    for (const token of [1, 2]) {
      const facts = { leaseMs: 3_600_000, host: "h", pid: 1, info: "{}" }
      await ground.store.registerWorker({ workerId: `w${token}`, token, ...facts })
    }
    const walk = new Walk(ground, second, time, new SeededRng(`mixed claims ${seed}`))
    await walk.enqueue()
    for (let step = 0; step < STEPS; step++) {
      const what = walk.draw(10)
      if (what < 4) await walk.enqueue()
      else if (what < 6) await walk.settle()
      else if (what < 8) await walk.limit()
      else await walk.pass(walk.draw(2_000))
      const { ids, mayStart, over } = await walk.claim()
      expect(over, "above a limit").toEqual([])
      expect(new Set(ids).size, "nothing starts twice").toBe(ids.length)
      expect(ids, "who is first and finds room").toEqual(mayStart)
    }
    await second.end()
    await admin.query(`drop schema ${schema}_time cascade`)
    await admin.end()
  },
)
