import { expect, test } from "vitest"
import { programOf } from "./programOf.ts"
import { unitAround } from "./units.ts"

/** The text of the unit around the call of `use`, or null. */
async function unitOf(text: string): Promise<string | null> {
  const program = await programOf([{ path: "a.ts", text }])
  const file = program.file("a.ts")!
  const unit = unitAround(file, file.callsNamed("use")[0]!)
  return unit && file.textOf(unit)
}

test("a handler of a route is a unit, also at the top of a file", async () => {
  expect(await unitOf('app.post("/a", async (c) => { use() })')).toBe("async (c) => { use() }")
})

test("of several routes of one function each is its own unit", async () => {
  const text = 'function add(app) { app.get("/a", (c) => use()); app.get("/b", (c) => other()) }'
  expect(await unitOf(text)).toBe("(c) => use()")
})

test("a callback within the course of a function belongs to that function", async () => {
  const text = "async function pay() { await tx(async (t) => { use() }) }"
  expect(await unitOf(text)).toBe(text)
})

test("the body of a test is no unit, whatever its file is called", async () => {
  expect(await unitOf('it("pays", async () => { use() })')).toBe(null)
})
