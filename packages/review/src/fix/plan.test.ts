import { expect, test } from "vitest"
import { edit, findingWith } from "./finding.fixture.ts"
import { applyEdits, planFixes } from "./plan.ts"

const TEXT = "one two three"
const replace = (old: string, text: string) => edit("a.go", TEXT, old, text)

test("only safe edits are taken unless all are asked for", () => {
  const safe = findingWith([replace("one", "1")], "safe")
  const unsafe = findingWith([replace("two", "2")], "unsafe")
  const unsaid = findingWith([replace("three", "3")], null)
  expect(planFixes([safe, unsafe, unsaid], "safe").applied).toEqual([safe])
  expect(planFixes([safe, unsafe, unsaid], "unsafe").applied).toEqual([safe, unsafe, unsaid])
})

test("of two that overlap, the first of the report is taken and the other waits", () => {
  const first = findingWith([replace("two three", "x")])
  const second = findingWith([replace("one two", "y")])
  expect(planFixes([first, second], "safe")).toMatchObject({ applied: [first], deferred: [second] })
  expect(planFixes([second, first], "safe")).toMatchObject({ applied: [second], deferred: [first] })
})

test("all edits of a finding are taken or none", () => {
  const first = findingWith([replace("three", "3")])
  const both = findingWith([replace("one", "1"), replace("three", "drei")])
  const plan = planFixes([first, both], "safe")
  expect(plan.edits.get("a.go")).toEqual(first.fix.edits)
})

test("the same edit of two findings is made once, two insertions at one place are not both made", () => {
  const add = { path: "a.go", start: 0, end: 0, text: "import\n" }
  const one = findingWith([add, replace("one", "1")])
  const two = findingWith([add, replace("two", "2")])
  const other = findingWith([{ ...add, text: "export\n" }])
  const plan = planFixes([one, two, other], "safe")
  expect(plan.deferred).toEqual([other])
  expect(applyEdits(TEXT, plan.edits.get("a.go")!)).toBe("import\n1 2 three")
})

test("a finding whose own edits overlap is never applied", () => {
  const finding = findingWith([replace("one two", "x"), replace("two", "y")])
  expect(planFixes([finding], "safe")).toMatchObject({ applied: [], deferred: [finding] })
})

test("edits in different files do not overlap", () => {
  const finding = findingWith([replace("one", "1"), { ...replace("one", "1"), path: "b.go" }])
  expect([...planFixes([finding], "safe").edits.keys()]).toEqual(["a.go", "b.go"])
})

test("what is inserted ends its lines as the file does, and a mark at the start of the file stays", () => {
  const crlf = "\ufeffa\r\nb\r\n"
  expect(applyEdits(crlf, [{ path: "a", start: 4, end: 4, text: "x\ny\r\n" }])).toBe(
    "\ufeffa\r\nx\r\ny\r\nb\r\n",
  )
  expect(applyEdits("a\nb\r\n", [{ path: "a", start: 2, end: 2, text: "x\n" }])).toBe("a\nx\nb\r\n")
})

test("edits that do not fit a text are refused", () => {
  expect(applyEdits("abc", [{ path: "a", start: 2, end: 4, text: "" }])).toBeNull()
  expect(applyEdits("abc", [{ path: "a", start: 2, end: 1, text: "" }])).toBeNull()
  expect(applyEdits("abc", [{ path: "a", start: -1, end: 1, text: "" }])).toBeNull()
})
