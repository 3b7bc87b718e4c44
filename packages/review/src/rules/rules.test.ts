/** What every rule must have. Fails when a part is missing, and names it. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import type { Language } from "../ir/nodes.ts"
import { fixturesOf, type FixtureLanguage } from "./fixtures/fixture.ts"
import { rules } from "./rules.ts"

const MIN_FIXTURES = 3

test("rules stand in the order of their names, each once", () => {
  const ids = rules.map((rule) => rule.id)
  expect(ids).toEqual([...new Set(ids)].sort())
})

describe.each(rules.map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
  const families = [...new Set(rule.languages.map(familyOf))]

  test("has a file of its name and a test beside it", () => {
    const name = id.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
    expect(existsSync(join(import.meta.dirname, `${name}.ts`))).toBe(true)
    expect(existsSync(join(import.meta.dirname, `${name}.test.ts`))).toBe(true)
  })

  test("says what, why, when it is silent, how to mend it and where to read on", () => {
    expect(id).toMatch(/^[a-z]+(?:-[a-z]+)*$/)
    for (const text of [rule.title, rule.docs.what, rule.docs.why, rule.docs.fix]) {
      expect(text.trim().length).toBeGreaterThan(10)
    }
    expect(rule.docs.silent.length).toBeGreaterThan(0)
    expect(new URL(rule.docs.reference).protocol).toBe("https:")
  })

  test("says what it looks at and what it does not see, in sentences", () => {
    const { sees, misses } = rule.docs.reach
    expect(sees.length).toBeGreaterThan(1)
    expect(misses.length).toBeGreaterThan(0)
    for (const sentence of [...sees, ...misses]) expect(sentence).toMatch(/^[A-Z`].{20,}[^.]\.$/)
    expect(new Set([...sees, ...misses]).size).toBe(sees.length + misses.length)
  })

  test("looks at files by a linear expression", () => {
    expect(rule.mentions.flags).not.toMatch(/[gy]/)
    expect(rule.mentions.source).not.toMatch(/[*+]\)?[*+]/)
  })

  test.each(families)("%s: has a bad and a good example", (family) => {
    const example = rule.docs.examples[family]
    expect(example?.bad.trim()).toBeTruthy()
    expect(example?.good.trim()).toBeTruthy()
  })

  test.each(families)(`%s: has ${MIN_FIXTURES} bad and ${MIN_FIXTURES} good fixtures`, (family) => {
    const own = fixturesOf(id).filter((fixture) => fixture.language === family)
    expect(own.filter((one) => one.verdict === "bad").length).toBeGreaterThanOrEqual(MIN_FIXTURES)
    expect(own.filter((one) => one.verdict === "good").length).toBeGreaterThanOrEqual(MIN_FIXTURES)
  })
})

/** JavaScript and TypeScript are one language to a rule's documentation. */
function familyOf(language: Language): FixtureLanguage {
  return language === "javascript" ? "typescript" : language
}
