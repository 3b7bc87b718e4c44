import fc from "fast-check"
import { expect, test } from "vitest"
import { share, SharedItems } from "./sharedItems.ts"

const item = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.constantFrom("", "\uD800", "ä", "\u0000", "Ā"),
  fc.uint8Array(),
  fc.constant(null),
)

test("what is shared comes back as it was, whatever stands before it", () => {
  fc.assert(
    fc.property(fc.array(item), (items) => {
      const shared = new SharedItems(structuredClone(share(items)))
      for (const [at, one] of items.entries()) {
        if (typeof one === "string") expect(shared.textOf(at)).toBe(one)
        else if (one === null) expect(shared.textOf(at)).toBeNull()
        else expect([...shared.bytesOf(at)!]).toEqual([...one])
      }
    }),
  )
})

test("the texts that have a part in them are those whose strings have it", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "ä", "Ā", "\u2028"), maxLength: 6 })
  const part = fc.string({
    unit: fc.constantFrom("a", "b", "ä", "Ā"),
    minLength: 1,
    maxLength: 3,
  })
  fc.assert(
    fc.property(fc.array(text), part, fc.array(text), (texts, one, others) => {
      const shared = new SharedItems(share([...texts, ...others]))
      const expected = [...texts.keys()].filter((at) => texts[at]!.includes(one))
      expect(shared.including(one, texts.length)).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})
