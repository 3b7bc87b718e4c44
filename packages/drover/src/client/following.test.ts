import { afterAll, describe, expect, expectTypeOf, test } from "vitest"
import { DroverError } from "../errors/index.ts"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { followJob } from "../jobs/define/jobFollower.ts"
import type { Job } from "../jobs/define/jobView.ts"
import { dropSchemas } from "../postgres/fixtures/dropSchema.ts"
import { connectTest, freshSchema, testServerUrl } from "../postgres/fixtures/testServer.ts"
import { postgres } from "../postgres/index.ts"
import { sqlite } from "../sqlite/index.ts"
import type { StoreSource } from "../store/index.ts"
import { createTestDrover } from "../testing/index.ts"
import { Drover } from "./drover.ts"

const schema = freshSchema()
afterAll(async () => {
  const client = await connectTest()
  await dropSchemas(client, schema)
  await client.end()
})

const stores: readonly (readonly [string, () => Promise<StoreSource>])[] = [
  ["SQLite", () => Promise.resolve(sqlite(":memory:"))],
  ["Postgres", async () => postgres({ url: await testServerUrl(), schema })],
]

/** A job that goes one step for each call of `step`. */
function stepwise(kind: string) {
  let gate = Promise.withResolvers<void>()
  const job = defineJob(kind, {
    retry: { maxAttempts: 1 },
    async run({ input, progress }: JobContext<{ steps: number; fails?: boolean }>) {
      for (let done = 1; done <= input.steps; done++) {
        progress({ done })
        await gate.promise
        gate = Promise.withResolvers()
      }
      if (input.fails) throw new Error("no")
      return { steps: input.steps }
    },
  })
  return { job, step: () => gate.resolve() }
}

async function untilDone<J extends Job>(jobs: AsyncIterable<J>, done: number): Promise<J> {
  for await (const job of jobs) {
    if ((job.progress?.value as { done: number } | undefined)?.done === done) return job
  }
  throw new Error(`the job ended before step ${done}`)
}

/** One that goes on where it is left, so that `for await` does not end it. */
function resumable<T>(jobs: AsyncGenerator<T, void, undefined>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => jobs.next() }) }
}

async function all<T>(jobs: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = []
  for await (const job of jobs) list.push(job)
  return list
}

describe.each(stores)("following a job on %s", (name, open) => {
  const every = "10ms"

  test("shows each progress, then the end with its result, and is over", async () => {
    const { job, step } = stepwise(`steps.${name}`)
    await using drover = new Drover({ store: await open(), jobs: [job], migrate: true })
    await using _worker = await drover.work()
    const handle = await drover.enqueue(job, { steps: 2 })
    const jobs = handle.follow({ every })
    const left = resumable(jobs)
    expect(await untilDone(left, 1)).toMatchObject({ state: "running", attempt: 1 })
    step()
    expect(await untilDone(left, 2)).toMatchObject({ state: "running" })
    step()
    const rest = await all(jobs)
    expect(rest.at(-1)).toMatchObject({ state: "completed", result: { steps: 2 } })
    expectTypeOf(rest.at(-1)!.result).toEqualTypeOf<{ steps: number } | undefined>()
  })

  test("ends with the job however it ends, and says nothing twice", async () => {
    const { job } = stepwise(`fails.${name}`)
    await using drover = new Drover({ store: await open(), jobs: [job], migrate: true })
    const handle = await drover.enqueue(job, { steps: 0, fails: true })
    const following = all(handle.follow({ every }))
    await using _worker = await drover.work()
    const jobs = await following
    expect(jobs.at(-1)).toMatchObject({ state: "discarded", error: { message: "no" } })
    const marks = jobs.map(({ state, attempt }) => `${state} ${attempt}`)
    expect(new Set(marks).size).toBe(marks.length)
  })
})

describe("following ends", () => {
  const job = defineJob("waits", { run: () => 1 })

  test("with exactly the signal's reason, also in a pause", async () => {
    await using world = createTestDrover({ jobs: [job] })
    const handle = await world.drover.enqueue(job)
    const abort = new AbortController()
    const reason = new Error("the browser has gone")
    const jobs = handle.follow({ signal: abort.signal })
    expect((await jobs.next()).value).toMatchObject({ state: "available" })
    const next = jobs.next()
    abort.abort(reason)
    await expect(next).rejects.toBe(reason)
    await expect(handle.follow({ signal: abort.signal }).next()).rejects.toBe(reason)
  })

  test("when the client is closed, and for a job that is not there", async () => {
    const world = createTestDrover({ jobs: [job] })
    await expect(world.drover.job(world.drover.newId()).follow().next()).rejects.toMatchObject({
      code: "DROVER_JOB_NOT_FOUND",
    })
    const jobs = (await world.drover.enqueue(job)).follow()
    await jobs.next()
    const next = jobs.next()
    await world.drover.close()
    await expect(next).rejects.toMatchObject({ code: "DROVER_CLOSED" })
  })

  test("before it begins for options that cannot work", async () => {
    await using world = createTestDrover({ jobs: [job] })
    const handle = await world.drover.enqueue(job)
    expect(() => handle.follow({ every: 5 })).toThrow(/5 ms is too often/)
    expect(() => handle.follow({ evry: "1s" } as never)).toThrow(/did you mean "every"/)
  })
})

test("who follow together do not look together", async () => {
  const job = defineJob("waits", { run: () => 1 })
  await using world = createTestDrover({ jobs: [job] })
  const handle = await world.drover.enqueue(job)
  const pauses: number[] = []
  const operations = {
    rng: world.rng,
    get: (id: string) => world.drover.get(id),
    result: (_: string, { timeout }: { readonly timeout?: unknown }) => {
      pauses.push(Number(timeout))
      const code = pauses.length < 5 ? "DROVER_RESULT_TIMEOUT" : "DROVER_CLOSED"
      return Promise.reject(new DroverError(code, "enough"))
    },
  }
  await expect(all(followJob(operations, handle.id))).rejects.toThrow("enough")
  expect(new Set(pauses).size).toBeGreaterThan(1)
  for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(375)
  for (const pause of pauses) expect(pause).toBeLessThanOrEqual(500)
})
