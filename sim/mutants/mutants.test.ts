import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { mutate } from "./mutant.ts"
import { mutants } from "./mutants.ts"

const SOURCES = fileURLToPath(new URL("../../packages/drover/src/", import.meta.url))

describe("the planted bugs", () => {
  test.each(mutants.map((mutant) => [mutant.name, mutant] as const))(
    "%s fits the code that it changes",
    (_, mutant) => {
      for (const file of new Set(mutant.changes.map((change) => change.file))) {
        const source = readFileSync(`${SOURCES}${file}`, "utf8")
        expect(mutate(mutant, file, source)).not.toBe(source)
      }
    },
  )

  test("have names of their own", () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
  })
})

test("a change that no longer fits, or fits twice, is an error", () => {
  const mutant = { name: "m", what: "", changes: [{ file: "a.ts", find: "one", replace: "two" }] }
  expect(mutate(mutant, "a.ts", "just one here")).toBe("just two here")
  expect(mutate(mutant, "b.ts", "zero")).toBe("zero")
  expect(() => mutate(mutant, "a.ts", "zero")).toThrow("0 times in a.ts, not once")
  expect(() => mutate(mutant, "a.ts", "one one")).toThrow("2 times in a.ts, not once")
})
