import { describe, expect, test } from "vitest"
import { z } from "zod"
import { defineJob } from "./jobDefinition.ts"
import { preparePatch } from "./jobEdit.ts"
import type { JobEdit } from "./jobEdit.ts"

const job = defineJob("resize", {
  input: z.object({ width: z.number() }),
  retry: { maxAttempts: 7, base: "3s" },
  run: () => 1,
})
const LIMIT = 1_000

describe("a change to a waiting job", () => {
  test("what is absent or undefined stays as it is", async () => {
    const nothing = {
      input: undefined,
      priority: undefined,
      metadata: undefined,
    } as unknown as JobEdit
    expect(await preparePatch(nothing, job, LIMIT)).toEqual({})
  })

  test("what is given is checked and encoded like an enqueue", async () => {
    const edit: JobEdit = {
      input: { width: 5 },
      queue: "slow",
      priority: 1,
      runIn: "1.5s",
      tags: ["a", "a"],
      metadata: { by: "ann" },
      timeout: "2m",
    }
    expect(await preparePatch(edit, job, LIMIT)).toEqual({
      input: '{"width":5}',
      queue: "slow",
      priority: 1,
      delayMs: 1_500,
      tags: ["a"],
      metadata: '{"by":"ann"}',
      timeoutMs: 120_000,
    })
  })

  test("null removes, and goes back to what the kind says", async () => {
    expect(await preparePatch({ metadata: null, timeout: null, retry: null }, job, LIMIT)).toEqual({
      metadata: null,
      timeoutMs: null,
      retry: null,
      maxAttempts: 7,
    })
    expect(await preparePatch({ timeout: false }, job, LIMIT)).toEqual({ timeoutMs: false })
  })

  test("a retry override is filled up from the kind, or from the defaults where the kind is unknown", async () => {
    const known = await preparePatch({ retry: { maxAttempts: 9, factor: 3 } }, job, LIMIT)
    expect(known.maxAttempts).toBe(9)
    expect(JSON.parse(known.retry ?? "")).toMatchObject({ baseMs: 3_000, maxAttempts: 9 })
    const unknown = await preparePatch(
      { retry: { maxAttempts: false, factor: 3 } },
      undefined,
      LIMIT,
    )
    expect(JSON.parse(unknown.retry ?? "")).toMatchObject({ baseMs: 1_000, maxAttempts: false })
    expect(unknown.maxAttempts).toBe(2 ** 31 - 1)
  })

  test("another number of attempts alone leaves the job's own policy", async () => {
    expect(await preparePatch({ retry: { maxAttempts: 2 } }, job, LIMIT)).toEqual({
      maxAttempts: 2,
    })
  })

  test.each<[string, object, string]>([
    [
      "an input that does not satisfy the schema",
      { input: { width: "5" } },
      "DROVER_INPUT_INVALID",
    ],
    [
      "an input that is too large",
      { input: { width: 1, more: "x".repeat(2_000) } },
      "DROVER_PAYLOAD_TOO_LARGE",
    ],
    ["runIn and runAt together", { runIn: 1, runAt: 1 }, "DROVER_CONFIG"],
    ["an option that does not exist", { delay: 1 }, "DROVER_CONFIG"],
    ["a retry function", { retry: { delay: () => 1 } }, "DROVER_CONFIG"],
  ])("%s is refused", async (_, edit, code) => {
    await expect(preparePatch(edit, job, LIMIT)).rejects.toMatchObject({ code })
  })

  test("a retry function is refused also where the kind is unknown", async () => {
    const edit = { retry: { delay: () => 1 } } as never
    await expect(preparePatch(edit, undefined, LIMIT)).rejects.toMatchObject({
      code: "DROVER_CONFIG",
    })
  })
})
