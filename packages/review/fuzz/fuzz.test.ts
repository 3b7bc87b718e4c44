/**
 * A few cases of a fixed seed. It asserts no time: how long something took is what `npm run review:fuzz` is for.
 */
import { beforeAll, expect, test } from "vitest"
import { caseOf, type Case } from "./cases.ts"
import { damages } from "./damage.ts"
import type { Rule } from "../src/rules/rule.ts"
import { rules } from "../src/rules/rules.ts"
import { readSeeds, type Seed } from "./seeds.ts"
import { tryCase } from "./tryCase.ts"

const SEED = 20_261_130
const CASES = 150
/** Repeated texts show what is slow, and nothing else; they are left to the long form. */
const MAX_LENGTH = 60_000

let seeds: Seed[]

beforeAll(() => {
  seeds = readSeeds()
})

function small(index: number): Case | null {
  const one = caseOf(SEED, index, seeds)
  return one.texts.every(({ text }) => text.length <= MAX_LENGTH) ? one : null
}

test(
  "any text as any language is parsed, lowered and checked without a fault",
  { timeout: 120_000 },
  async () => {
    let tried = 0
    for (let index = 0; tried < CASES; index++) {
      const one = small(index)
      if (!one) continue
      tried++
      const { failures } = await tryCase(one, () => 0)
      expect(failures, `case ${index} of seed ${SEED}: ${one.kind}`).toEqual([])
    }
  },
)

test("a case is the same whenever it is made, and another one under another number or seed", () => {
  expect(caseOf(3, 5, seeds)).toEqual(caseOf(3, 5, seeds))
  expect(caseOf(3, 5, seeds)).not.toEqual(caseOf(3, 6, seeds))
  expect(caseOf(3, 5, seeds)).not.toEqual(caseOf(4, 5, seeds))
})

test("every way to damage a text and every language comes up", () => {
  const kinds = Array.from({ length: 600 }, (_, index) => caseOf(SEED, index, seeds).kind)
  for (const name of Object.keys(damages))
    expect(kinds.some((kind) => kind.startsWith(name))).toBe(true)
  for (const language of ["go", "python", "javascript", "typescript", "java", "kotlin", "sql"]) {
    expect(kinds.some((kind) => kind.endsWith(` ${language}`))).toBe(true)
  }
})

test("what throws, and what points outside of the text, is a failure with its step", async () => {
  const [model] = rules
  const throwing: Rule = {
    ...model!,
    id: "throwing",
    check() {
      throw new Error("no more")
    },
  }
  const lost: Rule = {
    ...model!,
    id: "lost",
    check: (_file, _program, report) =>
      report({ at: { start: 2, end: 99 }, tier: "likely", severity: "low", message: "here" }),
  }
  const texts = [{ path: "a.py", text: "x = 1\n" }]
  const { failures, findings } = await tryCase({ kind: "test", texts }, () => 0, [throwing, lost])
  expect(failures.map(({ step }) => step)).toEqual(["throwing", "lost"])
  expect(failures[0]!.reason).toContain("no more")
  expect(findings).toBe(1)
})
