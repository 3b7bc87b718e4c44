import { expect, test } from "vitest"
import { programOf } from "./programOf.ts"
import { definitionsOf } from "./definitions.ts"

test("assignments to a name are those to the variable and to members that are called so", async () => {
  const text = "let n = 1\nthis.n = 2\na.b.n += 3\nm = n\nlet { n: k } = f()\n"
  const program = await programOf([{ path: "a.ts", text }])
  const file = program.file("a.ts")!
  const lines = file.assignmentsTo("n").map(({ start }) => text.slice(0, start).split("\n").length)
  expect(lines).toEqual([1, 2, 3])
  expect(file.assignmentsTo("toString")).toEqual([])
})

test("branches and loops are in the order of the text, also those within others and within functions", async () => {
  const text = "if (a) { while (b) f(() => { if (c) g() }) }\nfor (const d of e) h()\n"
  const program = await programOf([{ path: "a.ts", text }])
  const kinds = program.file("a.ts")!.branches.map(({ kind }) => kind)
  expect(kinds).toEqual(["if", "loop", "if", "loop"])
})

test("a name has the definitions of its own function, and those outside only where it has none", async () => {
  const text = `
let delay = 1
function one() {
  let delay = 2
  delay *= 3
  wait(delay)
}
function two() {
  delay = 4
}
function three() {
  wait(delay)
}
`
  const program = await programOf([{ path: "a.ts", text }])
  const file = program.file("a.ts")!
  const values = file.calls.map((call) =>
    definitionsOf(program, file, call.args[0]!).map(({ value }) => value && file.textOf(value)),
  )
  expect(values).toEqual([["2", "3"], ["1"]])
})

test("a text that stands in another is part of it, and no text of its own", async () => {
  const text = "const a = `x ${'y'}` + f('z')\nconst b = 'w'\nconst c = 1 + 2\n"
  const program = await programOf([{ path: "a.ts", text }])
  const file = program.file("a.ts")!
  expect(file.texts.map((one) => file.textOf(one))).toEqual(["`x ${'y'}` + f('z')", "'w'", "1 + 2"])
})

test("Go's package of times has its own name under any alias, and no other package has it", async () => {
  const text = 'package a\n\nimport (\n\tgotime "time"\n\ttime "example.org/clock"\n)\n'
  const program = await programOf([{ path: "a.go", text }])
  const file = program.file("a.go")!
  expect(file.standardName("gotime.Sleep")).toBe("time.Sleep")
  expect(file.standardName("clock.Sleep")).toBe("clock.Sleep")
  expect(file.standardName("Sleep")).toBe("Sleep")
})
