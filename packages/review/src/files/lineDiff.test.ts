import fc from "fast-check"
import { expect, test } from "vitest"
import { diffLines, linesOf } from "./lineDiff.ts"

/** Makes the head of the base by the hunks alone. */
function apply(base: string, head: string): string[] {
  const a = linesOf(base)
  const b = linesOf(head)
  const made: string[] = []
  let at = 0
  for (const { baseStart, baseCount, headStart, headCount } of diffLines(base, head)) {
    made.push(...a.slice(at, baseStart - 1), ...b.slice(headStart - 1, headStart - 1 + headCount))
    at = baseStart - 1 + baseCount
  }
  return [...made, ...a.slice(at)]
}

test("hunks alone make the new text of the old one", () => {
  const text = fc
    .array(fc.constantFrom("a", "b", "c", "d", ""), { maxLength: 30 })
    .map((lines) => lines.join("\n"))
  fc.assert(
    fc.property(text, text, (base, head) => {
      expect(apply(base, head)).toEqual(linesOf(head))
    }),
  )
})

test("only the lines that differ are in a hunk", () => {
  expect(diffLines("a\nb\nc\nd\n", "a\nB\nc\nx\nd\n")).toEqual([
    { baseStart: 2, baseCount: 1, headStart: 2, headCount: 1 },
    { baseStart: 4, baseCount: 0, headStart: 4, headCount: 1 },
  ])
  expect(diffLines("a\n", "a\n")).toEqual([])
  expect(diffLines("a\nb\n", "b\n")).toEqual([
    { baseStart: 1, baseCount: 1, headStart: 1, headCount: 0 },
  ])
})

test("texts that share nothing are one hunk, and cost a bounded number of steps", () => {
  const base = Array.from({ length: 20_000 }, (_, i) => `a${i}`).join("\n")
  const head = Array.from({ length: 20_000 }, (_, i) => `b${i}`).join("\n")
  expect(diffLines(base, head)).toEqual([
    { baseStart: 1, baseCount: 20_000, headStart: 1, headCount: 20_000 },
  ])
})
