import { expect, test } from "vitest"
import { linkParent } from "../ir/parents.ts"
import { shapeOf } from "./shapes.ts"

test("objects with the same kind and the same keys in the same order have one shape", () => {
  const shape = shapeOf({ kind: "call", start: 1, end: 2, name: "a" })
  expect(shapeOf({ kind: "call", start: 7, end: 9, name: "b" })).toBe(shape)
  expect(shape).toMatchObject({ kind: "call", keys: ["start", "end", "name"] })
  expect(shape.places).toEqual([true, true, false])
  expect(shapeOf({ kind: "call", start: 1, end: 2, args: "a" })).not.toBe(shape)
  expect(shapeOf({ kind: "name", start: 1, end: 2, name: "a" })).not.toBe(shape)
})

test("a field without a value, and the link to the node around, are no keys", () => {
  const node = { kind: "name", start: 0, end: 1, name: "a", type: undefined } as const
  linkParent(node, { kind: "null", start: 0, end: 1 })
  expect(shapeOf(node).keys).toEqual(["start", "end", "name"])
})

test("a kind that is no text is a field like others", () => {
  expect(shapeOf({ kind: 3, a: 1 })).toMatchObject({ kind: null, keys: ["kind", "a"] })
})

test("more shapes than any frontend has are told apart too, and the oldest are forgotten", () => {
  const first = shapeOf({ x0: 1 })
  for (let i = 0; i < 30_000; i++) expect(shapeOf({ [`x${i}`]: 1 }).keys[0]).toBe(`x${i}`)
  expect(shapeOf({ x0: 1 })).not.toBe(first)
})
