import fc from "fast-check"
import { expect, test } from "vitest"
import { rules } from "../rules/rules.ts"
import { literalsOf } from "./literals.ts"
import { EVIDENCE_WORDS, patternOf } from "./patterns.ts"
import { WordFinder } from "./wordFinder.ts"

test.each([
  [/Lock|lease/, ["lock", "lease"]],
  [/[kK]afka|\bnats\b/, ["kafka", "nats"]],
  [/retr(?:y|i)/, ["retry", "retri"]],
  [/set_?[aA]larm/, ["set_alarm", "setalarm"]],
  [/map\[|\{\}/, ["map[", "{}"]],
  [/make\(chan|\.Wait\(\)/, ["make(chan", ".wait()"]],
  [/time\.After\s*\(ctx/, ["time.after"]],
  [/(?:ab)+cde/, ["cde"]],
  [/(?=lock)ed/, ["ed"]],
  [/x_?read_?group/i, ["xreadgroup", "xread_group", "x_readgroup", "x_read_group"]],
])("every match of %s holds one of its literals", (expression, literals) => {
  expect(literalsOf(patternOf(expression))?.toSorted()).toEqual(literals.toSorted())
})

test.each([/a*/, /lock|\d+/, /x/, /ä|lock/, /(?i:lock)/, /[^l]ock?/u, /\x6cock|\d{2}/])(
  "what %s needs is not told",
  (expression) => {
    expect(literalsOf(patternOf(expression))).toBeNull()
  },
)

/** Pieces of what expressions look for, in any order and case. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[EVIDENCE_WORDS, ...rules.map(({ mentions }) => patternOf(mentions))]
          .flatMap(({ source }) => source.split(/[|()?:[\]\\]+/))
          .filter((piece) => piece !== ""),
      ),
      fc.constantFrom(" ", ".", "(", ")", "[", "{}", "\n", "ſ", "K", "for !a.b == nil", "expir <"),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(""))

test("a text without a rule's literals does not match it", () => {
  const patterns = [EVIDENCE_WORDS, ...rules.map(({ mentions }) => patternOf(mentions))]
  const literals = patterns.map(literalsOf)
  const finder = new WordFinder(literals.map((words) => words ?? []))
  fc.assert(
    fc.property(fc.mixedCase(text), (tried) => {
      const told = finder.find(tried)
      for (const [at, { source, flags }] of patterns.entries()) {
        if (literals[at] === null || !new RegExp(source, flags).test(tried)) continue
        expect(told[at], `${source} on ${JSON.stringify(tried)}`).toBe(1)
      }
    }),
    { numRuns: 500 },
  )
})
