import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, test } from "vitest"
import { mutate } from "../../sim/mutants/mutant.ts"
import { checkers } from "../checks/index.ts"
import { faultsOn } from "../faults/index.ts"
import { features } from "../features/index.ts"
import type { Ground } from "../ground/ground.ts"
import { hunted } from "./index.ts"
import { caughtBy } from "./planted.ts"

const SOURCES = fileURLToPath(new URL("../../packages/drover/src/", import.meta.url))

describe.each(["sqlite", "postgres"] as const)("the planted bugs of %s", (dialect) => {
  test.each(hunted[dialect].map((each) => [each.mutant.name, each] as const))(
    "%s fits the code that it changes, and is hunted where it can show",
    (_, { mutant, ...hunt }) => {
      for (const file of new Set(mutant.changes.map((change) => change.file))) {
        const source = readFileSync(`${SOURCES}${file}`, "utf8")
        expect(mutate(mutant, file, source)).not.toBe(source)
      }
      const ground = { dialect, missing: new Map() } as unknown as Ground
      const faults = faultsOn(ground).map(({ name }) => name)
      expect(faults).toEqual(expect.arrayContaining([...hunt.faults]))
      expect(Object.keys(checkers)).toEqual(expect.arrayContaining([...hunt.by]))
      expect(hunt.by).not.toEqual([])
      expect(features.map(({ name }) => name)).toEqual(expect.arrayContaining([...hunt.features]))
    },
  )

  test("have names of their own", () => {
    const names = hunted[dialect].map(({ mutant }) => mutant.name)
    expect(new Set(names).size).toBe(names.length)
  })
})

test("a bug is caught by the checkers that are there for it, and by no others", () => {
  const said = ["settle", "run"].map((checker) => ({ checker }))
  expect(caughtBy(said, { by: ["overlap", "settle"] })).toEqual([{ checker: "settle" }])
  expect(caughtBy(said, { by: ["terms"] })).toEqual([])
})
