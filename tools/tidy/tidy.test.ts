import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { allowances } from "./allowances.ts"
import { readFixture, type Fixture } from "./readFixture.ts"
import type { Allowance } from "./rule.ts"
import { rules } from "./rules.ts"
import { STALE_ALLOWANCE, tidy } from "./tidy.ts"

const FIXTURES = join(import.meta.dirname, "fixtures")
const names = rules.map(({ name }) => name)

function fixture(name: string): Fixture {
  return readFixture(readFileSync(join(FIXTURES, `${name}.txt`), "utf8"))
}

function found(name: string, repository: Fixture["repository"]): string[] {
  return tidy(repository, rules, [])
    .filter(({ rule }) => rule === name)
    .map(({ path, line }) => `${path}:${line}`)
    .toSorted()
}

describe("the table of rules", () => {
  test("every rule has a page that breaks it and one that keeps it, and no page lost its rule", () => {
    const pages = readdirSync(FIXTURES).map((file) => file.replace(/\.txt$/, ""))
    const wanted = names.flatMap((name) => [`${name}.breaks`, `${name}.keeps`])
    expect(pages.toSorted()).toEqual(wanted.toSorted())
  })

  test.each(names)("%s finds each place that breaks it, and no other", (name) => {
    const { repository, expected } = fixture(`${name}.breaks`)
    expect(expected).not.toEqual([])
    expect(found(name, repository)).toEqual(expected)
  })

  test.each(names)("%s leaves alone what keeps it", (name) => {
    const { repository, expected } = fixture(`${name}.keeps`)
    expect(expected).toEqual([])
    expect(repository.files).not.toEqual([])
    expect(found(name, repository)).toEqual([])
  })

  test("every rule has a name of its own and says what to do", () => {
    expect(new Set([...names, STALE_ALLOWANCE]).size).toBe(names.length + 1)
    for (const { mend } of rules) expect(mend).toMatch(/\.$/)
  })
})

describe("allowances", () => {
  const { repository } = fixture("function-size.breaks")
  const path = "packages/drover/src/jobs/long.ts"
  const judge = (allowance: Omit<Allowance, "rule" | "reason">) =>
    tidy(repository, rules, [{ rule: "function-size", reason: "a test", ...allowance }])
      .filter(({ rule }) => rule === "function-size" || rule === STALE_ALLOWANCE)
      .map((verdict) => verdict.item ?? verdict.rule)

  test("a file's allowance covers the rule in that file", () => {
    expect(judge({ path })).toEqual(["a function"])
  })

  test("a folder's allowance covers what is below it", () => {
    expect(judge({ path: "packages/drover/src/jobs/" })).toEqual([])
  })

  test("an item's allowance covers no other item", () => {
    expect(judge({ path, item: "long" })).toEqual(["a function", "arrow", "#run"])
  })

  test("what outgrew its bound is found again, and the bound is stale", () => {
    expect(judge({ path, item: "long", upTo: 71 })).toEqual(["a function", "arrow", "#run"])
    expect(judge({ path, item: "long", upTo: 70 })).toContain(STALE_ALLOWANCE)
    expect(judge({ path, item: "long", upTo: 70 })).toContain("long")
  })

  test("an allowance that nothing needs fails", () => {
    expect(judge({ path: "packages/drover/src/gone.ts" })).toContain(STALE_ALLOWANCE)
    expect(judge({ path, item: "gone" })).toContain(STALE_ALLOWANCE)
  })

  test("each real allowance names a rule and gives a reason in words", () => {
    for (const { rule, reason } of allowances) {
      expect(names).toContain(rule)
      expect(reason.split(" ").length).toBeGreaterThan(3)
    }
  })
})
