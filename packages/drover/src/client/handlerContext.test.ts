import { AsyncLocalStorage } from "node:async_hooks"
import { expect, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { createTestDrover } from "../testing/index.ts"

const request = new AsyncLocalStorage<string>()

test.for([
  ["started it with its enqueue", 1, 100],
  ["woke the worker by many", 3, 100],
  ["freed the slot that it waited for", 3, 1],
] as const)(
  "a handler runs in the context of who started the worker, not of the code that %s",
  async ([, count, slots]) => {
    const seen: unknown[] = []
    const job = defineJob("a", {
      async run() {
        seen.push(request.getStore())
        request.enterWith("a handler")
        await Promise.resolve()
      },
    })
    await using world = createTestDrover({ jobs: [job], queues: { default: { slots } } })
    await using _worker = await request.run("the start", () => world.drover.work())
    await world.clock.settle()
    await request.run("a request", async () => {
      const enqueues = Array.from({ length: count }, () => world.drover.enqueue(job))
      await Promise.all(enqueues)
    })
    for (let waitedMs = 0; seen.length < count && waitedMs < 60_000; waitedMs += 10) {
      await world.clock.settle()
      await world.clock.advance(10)
    }
    expect(seen).toEqual(Array.from({ length: count }, () => "the start"))
  },
)
