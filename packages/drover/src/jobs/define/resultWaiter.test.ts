import { describe, expect, test } from "vitest"
import { DroverError } from "../../errors/index.ts"
import { Events } from "../../events/index.ts"
import type { FinishedJob } from "../../store/index.ts"
import { ManualClock, SeededRng } from "../../time/index.ts"
import { ResultWaiter } from "./resultWaiter.ts"

// What the waiter asks of a store, counted, with ends that the test decides.
class Ends {
  readonly ended: Map<string, FinishedJob> = new Map()
  readonly deleted: Set<string> = new Set()
  readonly listeners: Set<() => void> = new Set()
  asked = 0
  failWith: Error | null = null

  async finished(ids: readonly string[]): Promise<readonly FinishedJob[]> {
    this.asked++
    if (this.failWith !== null) throw this.failWith
    return ids.flatMap((id) => this.ended.get(id) ?? [])
  }

  async count({ ids = [] }: { readonly ids?: readonly string[] }): Promise<number> {
    return ids.filter((id) => !this.deleted.has(id)).length
  }

  async get(id: string): Promise<object | null> {
    return this.deleted.has(id) ? null : {}
  }

  watch(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  end(id: string, end: Partial<FinishedJob> = {}): void {
    this.ended.set(id, { id, state: "completed", result: "1", reason: null, error: null, ...end })
  }

  hint(): void {
    for (const listener of this.listeners) listener()
  }
}

interface World {
  readonly clock: ManualClock
  readonly events: Events
  readonly ends: Ends
  readonly waiter: ResultWaiter
}

function createWorld(): World {
  const clock = new ManualClock()
  const events = new Events()
  const ends = new Ends()
  const rng = new SeededRng(1)
  const waiter = new ResultWaiter({
    clock,
    rng,
    events,
    store: () => Promise.resolve(ends as never),
  })
  return { clock, events, ends, waiter }
}

// What a promise that is going to be rejected is rejected with, caught before time moves.
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise
  } catch (error) {
    return (error as DroverError).code
  }
}

function completed(jobId: string): {
  jobId: string
  kind: string
  queue: string
  attempt: number
  durationMs: number
} {
  return { jobId, kind: "a", queue: "q", attempt: 1, durationMs: 1 }
}

describe("how an end is noticed", () => {
  test("a job that had ended before the wait", async () => {
    const { ends, waiter } = createWorld()
    ends.end("a", { result: '{"n":1}' })
    await expect(waiter.wait("a")).resolves.toEqual({ n: 1 })
  })

  test("an end in this process at once, without time passing", async () => {
    const { clock, events, ends, waiter } = createWorld()
    const result = waiter.wait("a")
    await clock.settle()
    ends.end("a")
    events.emit("job.completed", completed("a"))
    await expect(result).resolves.toBe(1)
    expect(clock.now()).toBe(new ManualClock().now())
  })

  test("an end in another process by the store's hint", async () => {
    const { clock, ends, waiter } = createWorld()
    const result = waiter.wait("a")
    await clock.settle()
    ends.end("a")
    ends.hint()
    await clock.advance(20)
    await expect(result).resolves.toBe(1)
  })

  test("an end whose hint was lost by the poll, within 1.25 s", async () => {
    const { clock, ends, waiter } = createWorld()
    const result = waiter.wait("a")
    await clock.advance(5_000)
    ends.end("a")
    await clock.advance(1_250)
    await expect(result).resolves.toBe(1)
  })

  test("an end that comes while the store is being asked is not missed", async () => {
    const { clock, events, ends, waiter } = createWorld()
    const asked = ends.finished.bind(ends)
    ends.finished = async (ids) => {
      const reply = await asked(ids)
      if (ends.asked === 1) {
        ends.end("a")
        events.emit("job.completed", completed("a"))
      }
      return reply
    }
    const result = waiter.wait("a")
    await clock.settle()
    await clock.settle()
    await expect(result).resolves.toBe(1)
    expect(clock.monotonic()).toBe(0)
  })

  test("a hundred waits are one question", async () => {
    const { clock, ends, waiter } = createWorld()
    const ids = Array.from({ length: 100 }, (_, i) => `job${i}`)
    for (const id of ids) ends.end(id)
    await Promise.all(ids.map((id) => waiter.wait(id)))
    await clock.settle()
    expect(ends.asked).toBe(1)
  })

  test("a busy database is asked at most every 10 ms", async () => {
    const { clock, ends, waiter } = createWorld()
    const result = waiter.wait("a")
    for (let ms = 0; ms < 100; ms++) {
      ends.hint()
      await clock.advance(1)
    }
    expect(ends.asked).toBeLessThanOrEqual(12)
    ends.end("a")
    ends.hint()
    await clock.advance(20)
    await expect(result).resolves.toBe(1)
  })

  test("a slow database is left alone nine times as long as it was busy answering", async () => {
    const { clock, ends, waiter } = createWorld()
    const asked = ends.finished.bind(ends)
    ends.finished = async (ids) => {
      await clock.sleep(20)
      return asked(ids)
    }
    const result = waiter.wait("a")
    for (let ms = 0; ms < 400; ms++) {
      ends.hint()
      await clock.advance(1)
    }
    expect(ends.asked).toBeLessThanOrEqual(3)
    ends.end("a")
    ends.hint()
    await clock.advance(250)
    await expect(result).resolves.toBe(1)
  })

  test("an end that is heard here asks for that job alone, however much else is awaited and hinted at", async () => {
    const { clock, events, ends, waiter } = createWorld()
    const sizes: number[] = []
    const asked = ends.finished.bind(ends)
    ends.finished = async (ids) => {
      sizes.push(ids.length)
      return asked(ids)
    }
    const ids = Array.from({ length: 400 }, (_, i) => `job${i}`)
    const results = ids.map((id) => waiter.wait(id))
    await clock.settle()
    ends.hint()
    await clock.advance(10)
    sizes.length = 0
    for (const id of ids) {
      ends.end(id)
      ends.hint()
      events.emit("job.completed", completed(id))
      await clock.settle()
    }
    await Promise.all(results)
    expect(new Set(sizes)).toEqual(new Set([1]))
    expect(clock.monotonic()).toBe(10)
  })

  test("a hint that comes while the store is being asked is followed, not left to the poll", async () => {
    const { clock, ends, waiter } = createWorld()
    const asked = ends.finished.bind(ends)
    ends.finished = async (ids) => {
      const reply = await asked(ids)
      if (ends.asked === 1) {
        await clock.sleep(1)
        ends.end("a")
        ends.hint()
      }
      return reply
    }
    const result = waiter.wait("a")
    await clock.advance(30)
    await expect(result).resolves.toBe(1)
  })

  test("idle, it has no timer and no subscription", async () => {
    const { clock, events, ends, waiter } = createWorld()
    ends.end("a")
    await waiter.wait("a")
    await clock.settle()
    expect(clock.pending).toBe(0)
    expect(ends.listeners.size).toBe(0)
    expect(events.wanted("job.completed")).toBe(false)
  })

  test("each of two callers gets a value of its own", async () => {
    const { ends, waiter } = createWorld()
    ends.end("a", { result: '{"list":[]}' })
    const [one, two] = await Promise.all([waiter.wait("a"), waiter.wait("a")])
    expect(one).toEqual(two)
    expect(one).not.toBe(two)
  })
})

describe("how a wait ends without a result", () => {
  const error = { name: "TypeError", message: "no", code: "E1" }

  test.each<[string, Partial<FinishedJob>, string]>([
    ["discarded", { state: "discarded", reason: "failed 3 of 3 times", error }, "DROVER_DISCARDED"],
    ["cancelled", { state: "cancelled", reason: "by ann", error }, "DROVER_CANCELLED"],
    ["expired", { state: "discarded", reason: "expired", error }, "DROVER_EXPIRED"],
  ])("%s: an error with the job's own as its cause", async (_, end, code) => {
    const { ends, waiter } = createWorld()
    ends.end("a", end)
    await expect(waiter.wait("a")).rejects.toMatchObject({
      code,
      cause: { name: "TypeError", message: "no", code: "E1" },
      details: { jobId: "a", reason: end.reason },
    })
  })

  test("the message of a job that failed too often says how it failed the last time, in short", async () => {
    const { ends, waiter } = createWorld()
    const long = { ...error, message: `no ${"x".repeat(1_000)}` }
    ends.end("a", { state: "discarded", reason: "failed 3 of 3 times", error: long })
    const thrown = await waiter.wait("a").catch((caught: Error) => caught)
    expect((thrown as Error).message).toMatch(
      /failed 3 of 3 times; the last time: TypeError: no x+…$/,
    )
    expect((thrown as Error).message.length).toBeLessThan(300)
  })

  test("nothing returned is undefined", async () => {
    const { ends, waiter } = createWorld()
    ends.end("a", { result: null })
    await expect(waiter.wait("a")).resolves.toBeUndefined()
  })

  test("too late, and the wait of another caller goes on", async () => {
    const { clock, ends, waiter } = createWorld()
    const short = waiter.wait("a", { timeout: "2s" })
    const long = waiter.wait("a")
    const rejected = codeOf(short)
    await clock.advance(2_000)
    expect(await rejected).toBe("DROVER_RESULT_TIMEOUT")
    ends.end("a")
    await clock.advance(1_250)
    await expect(long).resolves.toBe(1)
  })

  test("aborted, with exactly the signal's reason", async () => {
    const { waiter } = createWorld()
    const controller = new AbortController()
    const reason = new Error("enough")
    const waiting = waiter.wait("a", { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    await expect(waiter.wait("a", { signal: controller.signal })).rejects.toBe(reason)
    expect(waiter.pending).toBe(0)
  })

  test("deleted, also while a busy database hints all the time", async () => {
    const { clock, ends, waiter } = createWorld()
    const rejected = codeOf(waiter.wait("a"))
    ends.deleted.add("a")
    for (let ms = 0; ms < 300; ms++) {
      ends.hint()
      await clock.advance(1)
    }
    expect(await rejected).toBe("DROVER_JOB_NOT_FOUND")
  })

  test("the client was closed", async () => {
    const { waiter } = createWorld()
    const waiting = waiter.wait("a")
    waiter.close()
    await expect(waiting).rejects.toMatchObject({ code: "DROVER_CLOSED" })
    await expect(waiter.wait("b")).rejects.toMatchObject({ code: "DROVER_CLOSED" })
  })

  test("a store that recovers costs only time, one that does not fails the wait", async () => {
    const { clock, ends, waiter } = createWorld()
    ends.failWith = new DroverError("DROVER_STORE_IO", "gone")
    ends.end("a")
    const first = waiter.wait("a")
    await clock.advance(200)
    ends.failWith = null
    await clock.advance(5_000)
    await expect(first).resolves.toBe(1)

    ends.failWith = new DroverError("DROVER_STORE_IO", "gone")
    const rejected = codeOf(waiter.wait("b"))
    await clock.advance(60_000)
    expect(await rejected).toBe("DROVER_STORE_IO")
    expect(clock.pending).toBe(0)
  })
})
