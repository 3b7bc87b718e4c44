/** Every rule on its fixtures, and on what its fixtures become when one thing is taken away. */
import { describe, expect, test } from "vitest"
import { programOf, type TextAt } from "../analysis/program/programOf.ts"
import { applyRule, isFor } from "./applyRule.ts"
import { fixturesOf, mutated, withoutInstructions } from "./fixtures/fixture.ts"
import type { Rule } from "./rule.ts"
import { rules } from "./rules.ts"

for (const rule of rules) {
  describe(rule.id, () => {
    for (const fixture of fixturesOf(rule.id)) {
      const title = `${fixture.language}/${fixture.verdict}/${fixture.name}`
      test(`${title}: speaks where it is expected and nowhere else`, async () => {
        expect(await linesFound(rule, withoutInstructions(fixture.texts))).toEqual(fixture.expected)
        if (fixture.verdict === "bad") expect(fixture.expected).not.toEqual([])
        else expect(fixture.expected).toEqual([])
      })
      test(`${title}: a mutation turns the verdict`, async () => {
        expect(fixture.mutations, "a comment `mutate: OLD => NEW` is missing").not.toEqual([])
        for (const mutation of fixture.mutations) {
          const found = await linesFound(rule, mutated(fixture, mutation))
          const told = `"${mutation.old}" => "${mutation.replacement}"`
          if (fixture.verdict === "good") expect(found, told).not.toEqual([])
          else expect(found, told).toEqual([])
        }
      })
    }
  })
}

/** `path:line` of the findings that are shown by default. */
async function linesFound(rule: Rule, texts: readonly TextAt[]): Promise<string[]> {
  const program = await programOf(texts)
  return program.sources.flatMap((source) => {
    const file = isFor(rule, source) ? program.file(source.path) : null
    if (!file) return []
    return applyRule(rule, file, program)
      .filter((draft) => draft.tier !== "context")
      .map((draft) => `${source.path}:${source.text.slice(0, draft.at.start).split("\n").length}`)
  })
}
