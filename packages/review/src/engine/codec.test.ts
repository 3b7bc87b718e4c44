import fc from "fast-check"
import { expect, test } from "vitest"
import { parseSource } from "../frontends/parse.ts"
import { walk } from "../ir/children.ts"
import { linkedParent, linkParent, PARENT_KEY } from "../ir/parents.ts"
import type { SourceUnit } from "../ir/nodes.ts"
import { decodeUnit, encodeUnit } from "./codec.ts"

const GO = `package a

import "time"

// Run runs.
func (q *Queue[T]) Run(ctx context.Context) error {
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(i) * 1.5 * time.Second):
		}
		if err := q.pop("ä\\x00\\U0001F600"); err != nil { continue }
	}
}
`

test("a tree comes back as it was", async () => {
  const unit = await parseSource("a.go", GO)
  expect(decodeUnit(encodeUnit(unit))).toEqual(unit)
})

test("links from nodes to those around them are not written, and there is room for them after reading", async () => {
  const unit = await parseSource("a.go", GO)
  const before = encodeUnit(unit)
  for (const root of unit.body)
    walk(root, (node, parent) => void (parent && linkParent(node, parent)))
  expect(encodeUnit(unit)).toEqual(before)
  const [first] = decodeUnit(before).body
  expect(Object.keys(first!)).toContain(PARENT_KEY)
  expect(linkedParent(first!)).toBeNull()
})

test("the bytes are much less than the tree's JSON", async () => {
  const unit = await parseSource(
    "a.go",
    GO.replace("func", `${"var x = f(1, g(2), h.i(3))\n".repeat(200)}func`),
  )
  expect(encodeUnit(unit).length).toBeLessThan(JSON.stringify(unit).length / 5)
})

test("any plain data comes back, whatever its numbers, strings and keys", () => {
  const place = fc.integer({ min: 0, max: 2 ** 30 })
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double(),
      fc.integer(),
      fc.string({ unit: "binary" }),
      fc.constant("\uD800"),
      fc.array(tie("any"), { maxLength: 4 }),
      fc.record(
        { kind: fc.string(), start: place, end: place, value: tie("any") },
        { requiredKeys: ["kind"] },
      ),
      fc.record({ a: tie("any"), b: tie("any") }, { requiredKeys: [] }),
    ),
  })).any
  fc.assert(
    fc.property(value, (data) => {
      const unit = data as SourceUnit
      expect(decodeUnit(encodeUnit(unit))).toEqual(
        JSON.parse(JSON.stringify(data)) === data ? data : unit,
      )
    }),
  )
})

test("more shapes than a byte can number are told apart", () => {
  const many = Array.from({ length: 600 }, (_, i) => ({ [`key${i}`]: i }))
  expect(decodeUnit(encodeUnit(many as unknown as SourceUnit))).toEqual(many)
})

test("bytes that are no tree are refused and never read for ever", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => decodeUnit(bytes)).toThrow(Error)
    }),
  )
})
