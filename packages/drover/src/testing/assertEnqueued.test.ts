import { AssertionError } from "node:assert"
import { describe, expect, test } from "vitest"
import type { JobContext } from "../jobs/define/jobContext.ts"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { assertEnqueued, assertNotEnqueued } from "./assertEnqueued.ts"
import { differences } from "./partialMatch.ts"
import { createTestDrover } from "./testDrover.ts"

interface Mail {
  readonly to: string
  readonly items?: readonly { readonly sku: string; readonly count: number }[]
}
const mail = defineJob("mail", { run: ({ input }: JobContext<Mail>) => input.to })
const other = defineJob("other", { run: ({ input }: JobContext<Mail>) => input.to })

async function messageOf(assertion: Promise<unknown>): Promise<string> {
  try {
    await assertion
  } catch (error) {
    if (error instanceof AssertionError) return error.message
    throw error
  }
  return "held"
}

describe("asserting what was enqueued", () => {
  test("a part of the input is enough, and the job comes back", async () => {
    await using world = createTestDrover({ jobs: [mail] })
    await world.drover.enqueue(
      mail,
      { to: "ann", items: [{ sku: "a", count: 1 }] },
      { queue: "out" },
    )
    const job = await assertEnqueued(world.drover, mail, {
      input: { items: [{ sku: "a" }] },
      queue: "out",
      count: 1,
    })
    expect(job.input.to).toBe("ann")
  })

  test("the message lists near misses, the nearest first, and how each differs", async () => {
    await using world = createTestDrover({ jobs: [mail] })
    await world.drover.enqueue(mail, { to: "bob" }, { queue: "slow" })
    await world.drover.enqueue(mail, { to: "ann" }, { queue: "slow" })
    const message = await messageOf(
      assertEnqueued(world.drover, mail, { input: { to: "ann" }, queue: "out" }),
    )
    expect(message).toContain(
      'expected a job of kind mail with {"input":{"to":"ann"},"queue":"out"}; found 0',
    )
    expect(message).toContain('queue: expected "out", got "slow"')
    expect(message.indexOf('{"to":"ann"}', 90)).toBeLessThan(message.indexOf('{"to":"bob"}'))
  })

  test("jobs of other kinds and jobs that ran do not count", async () => {
    await using world = createTestDrover({ jobs: [mail, other] })
    await world.drover.enqueue(other, { to: "ann" })
    await world.drover.enqueue(mail, { to: "ann" })
    await world.drain()
    expect(await messageOf(assertEnqueued(world.drover, mail))).toContain(
      "no job of this kind waits",
    )
    const states = ["completed"] as const
    expect((await assertEnqueued(world.drover, mail, { states })).state).toBe("completed")
  })

  test("an exact count is exact", async () => {
    await using world = createTestDrover({ jobs: [mail] })
    for (const to of ["ann", "ann", "bob"]) await world.drover.enqueue(mail, { to })
    expect(await messageOf(assertEnqueued(world.drover, mail, { count: 3 }))).toBe("held")
    expect(
      await messageOf(assertEnqueued(world.drover, mail, { input: { to: "ann" }, count: 1 })),
    ).toContain("found 2")
  })

  test("that nothing was enqueued names what was", async () => {
    await using world = createTestDrover({ jobs: [mail] })
    expect(await messageOf(assertNotEnqueued(world.drover, mail))).toBe("held")
    const { id } = await world.drover.enqueue(mail, { to: "ann" })
    expect(await messageOf(assertNotEnqueued(world.drover, mail))).toContain(id)
    expect(await messageOf(assertNotEnqueued(world.drover, mail, { input: { to: "bob" } }))).toBe(
      "held",
    )
  })

  test("a job is found behind any number of others", async () => {
    await using world = createTestDrover({ jobs: [mail] })
    const { id } = await world.drover.enqueue(mail, { to: "ann" })
    const others = Array.from({ length: 1_200 }, () => ({ input: { to: "bob" } }))
    await world.drover.enqueueMany(mail, others)
    const input = { to: "ann" }
    expect(await messageOf(assertNotEnqueued(world.drover, mail, { input }))).toContain(id)
    expect((await assertEnqueued(world.drover, mail, { input })).id).toBe(id)
    expect(await messageOf(assertEnqueued(world.drover, mail, { count: 1_201 }))).toBe("held")
  })

  test("a misspelt expectation is refused instead of matching everything", async () => {
    await using world = createTestDrover({ jobs: [mail] })
    const attempt = assertNotEnqueued(world.drover, mail, { inputs: {} } as never)
    await expect(attempt).rejects.toThrow(/did you mean "input"/)
  })
})

describe("matching in part", () => {
  test.each<[unknown, unknown, number]>([
    [{ a: 1 }, { a: 1, b: 2 }, 0],
    [{ a: 1, b: 2 }, { a: 1 }, 1],
    [[1, 2], [1, 2, 3], 1],
    [[{ a: 1 }], [{ a: 1, b: 2 }], 0],
    [{ a: undefined }, {}, 0],
    [{ a: null }, { a: undefined }, 1],
    [[], {}, 1],
    [new Date(5), new Date(5), 0],
    [new Date(5), new Date(6), 1],
    [Number.NaN, Number.NaN, 0],
    ["1", 1, 1],
  ])("%j against %j: %i differences", (pattern, value, count) => {
    expect(differences(pattern, value)).toHaveLength(count)
  })
})
