import { expect, test } from "vitest"
import { fieldBy, methodsBy } from "./owners.ts"
import type { ClassRef, FunctionRef } from "./program.ts"

function classOf(path: string, fields: readonly (readonly [string, string])[]): ClassRef {
  return { source: { path }, fields } as unknown as ClassRef
}

test("a field's type is that of the class in the same folder, else of the first class that has it", () => {
  const classes = [
    classOf("a/x.ts", [["items", "Map"]]),
    classOf("b/x.ts", [["items", "Set"]]),
    classOf("b/y.ts", [["other", "List"]]),
  ]
  expect(fieldBy(classes, "a", "items")).toBe("Map")
  expect(fieldBy(classes, "b", "items")).toBe("Set")
  expect(fieldBy(classes, "c", "items")).toBe("Map")
  // Who stands beside a class of that name does not mean another one's field.
  expect(fieldBy(classes, "a", "other")).toBeUndefined()
})

test("methods are found by their class, and functions of no class by none", () => {
  const refs = ["Rooms", null, "Rooms"].map((owner) => ({ owner })) as unknown as FunctionRef[]
  expect(methodsBy(refs, "Rooms")).toEqual([refs[0], refs[2]])
  expect(methodsBy(refs, "Halls")).toEqual([])
})
