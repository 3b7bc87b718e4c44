import { runInNewContext } from "node:vm"
import { describe, expect, test } from "vitest"
import { z } from "zod"
import { isStandardSchema, validate } from "./standardSchema.ts"
import type { StandardSchemaV1 } from "./standardSchema.ts"

function schemaOf(check: (value: unknown) => unknown): StandardSchemaV1 {
  return { "~standard": { version: 1, vendor: "test", validate: check as never } }
}

describe("validating by a Standard Schema", () => {
  test("a synchronous schema answers at once, with its output", () => {
    const schema = z.object({ n: z.coerce.number() })
    expect(validate(schema, { n: "4" }, "DROVER_INPUT_INVALID", "a input")).toEqual({ n: 4 })
  })

  test("an asynchronous schema answers later", async () => {
    const schema = schemaOf(async (value) => ({ value: [value] }))
    await expect(validate(schema, 1, "DROVER_INPUT_INVALID", "a input")).resolves.toEqual([1])
    const broken = schemaOf(() => Promise.reject(new Error("db down")))
    await expect(validate(broken, 1, "DROVER_INPUT_INVALID", "a input")).rejects.toMatchObject({
      code: "DROVER_INPUT_INVALID",
      cause: { message: "db down" },
    })
  })

  test("an answer that is only like a promise, or like nothing known, is never taken for a yes", async () => {
    // Of another realm, where Promise is another class.
    const promise = runInNewContext("(value) => Promise.resolve(value)") as (
      value: unknown,
    ) => unknown
    const late = (result: unknown): StandardSchemaV1 => schemaOf(() => promise(result))
    const issues = [{ message: "bad" }]
    const answer = validate(late({ issues }), 1, "DROVER_INPUT_INVALID", "a input")
    await expect(answer).rejects.toMatchObject({ code: "DROVER_INPUT_INVALID" })
    const fine = validate(late({ value: 2 }), 1, "DROVER_INPUT_INVALID", "a input")
    await expect(fine).resolves.toBe(2)
    for (const nothing of [undefined, null, true, {}]) {
      const schema = schemaOf(() => nothing)
      expect(() => validate(schema, 1, "DROVER_INPUT_INVALID", "a input")).toThrow(
        expect.objectContaining({ code: "DROVER_INPUT_INVALID" }),
      )
    }
  })

  test("the error names the first ten problems with their paths", () => {
    const issues = Array.from({ length: 12 }, (_, i) => ({
      message: "bad",
      path: ["items", { key: i }],
    }))
    const attempt = (): unknown =>
      validate(
        schemaOf(() => ({ issues })),
        {},
        "DROVER_OUTPUT_INVALID",
        "a result",
      )
    expect(attempt).toThrow(/a result does not satisfy its schema: items\.0: bad; .*\(and 2 more\)/)
    expect(attempt).toThrow(expect.objectContaining({ code: "DROVER_OUTPUT_INVALID" }))
  })

  test("a schema that throws is an invalid input with the cause, not a crash", () => {
    const schema = schemaOf(() => {
      throw new Error("bug")
    })
    expect(() => validate(schema, 1, "DROVER_INPUT_INVALID", "a input")).toThrow(
      expect.objectContaining({
        code: "DROVER_INPUT_INVALID",
        cause: expect.objectContaining({ message: "bug" }),
      }),
    )
  })

  test("schemas may be functions, other things are no schemas", () => {
    const callable = Object.assign(
      () => 1,
      schemaOf((value) => ({ value })),
    )
    expect(isStandardSchema(callable)).toBe(true)
    expect(isStandardSchema(z.string())).toBe(true)
    expect(isStandardSchema({ parse: () => 1 })).toBe(false)
    expect(isStandardSchema(null)).toBe(false)
  })
})
