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

test("a part is found in a text as in the string", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "ä", "Ā", "\u2028") })
  fc.assert(
    fc.property(text, text, (whole, part) => {
      const shared = new SharedItems(share(["x", whole]))
      expect(shared.includes(1, part)).toBe(whole.includes(part))
    }),
  )
})
