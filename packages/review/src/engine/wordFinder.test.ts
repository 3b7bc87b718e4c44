import fc from "fast-check"
import { expect, test } from "vitest"
import { WordFinder } from "./wordFinder.ts"

test("a word is found wherever it stands, whatever its case", () => {
  const finder = new WordFinder([["lock"], ["lease"], ["clock"]])
  expect([...finder.find("a Lease")]).toEqual([0, 1, 0])
  expect([...finder.find("CLOCK")]).toEqual([1, 0, 1])
  expect([...finder.find("loc\u212A")]).toEqual([0, 0, 0])
})

test("words that begin or end within each other are all found, as if each were looked for alone", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 5 })
  const groups = fc.array(fc.array(word, { maxLength: 4 }), { maxLength: 6 })
  const text = fc.string({ unit: fc.constantFrom("a", "B", "c", "ä", "\n") })
  fc.assert(
    fc.property(groups, text, (words, tried) => {
      const told = words.map((group) =>
        group.some((one) => tried.toLowerCase().includes(one)) ? 1 : 0,
      )
      expect([...new WordFinder(words).find(tried)]).toEqual(told)
    }),
  )
})
