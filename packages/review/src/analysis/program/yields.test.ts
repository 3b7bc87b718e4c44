import { expect, test } from "vitest"
import type { Node } from "../../ir/nodes.ts"
import { programOf } from "./programOf.ts"
import { yieldBetween } from "./yields.ts"

/** Whether anything yields between the calls of `a` and `b`. */
async function yields(path: string, text: string): Promise<boolean> {
  const program = await programOf([{ path, text }])
  const file = program.file(path)!
  const call = (name: string): Node => file.calls.find((one) => one.name === name)!
  const fn = file.functions[0]!
  return yieldBetween(program, file, fn, call("a").end, call("b")) !== null
}

test.each([
  ["an await on the way", "async function f() { a(); await g(); b() }", true],
  ["nothing on the way", "async function f() { a(); g(); b(); await h() }", false],
  [
    "an await in a branch that leaves",
    "async function f() { a(); if (x) { await g(); return } b() }",
    false,
  ],
  [
    "an await in a branch that goes on",
    "async function f() { a(); if (x) { await g() } b() }",
    true,
  ],
  [
    "an await in a function that runs later",
    "async function f() { a(); on(async () => { await g() }); b() }",
    false,
  ],
  ["an await in an argument of the later call", "async function f() { a(); b(await g()) }", true],
  ["an await of the later call itself", "async function f() { a(); await b() }", false],
] as const)("JavaScript: %s", async (_, text, expected) => {
  expect(await yields("f.js", text)).toBe(expected)
})

test("Python: entering an asynchronous context hands over", async () => {
  expect(await yields("f.py", "async def f():\n  a()\n  async with lock:\n    b()\n")).toBe(true)
})

test("Kotlin: a call of a suspending function hands over, a plain call does not", async () => {
  const text =
    "suspend fun f() {\n  a()\n  CALL()\n  b()\n}\nsuspend fun waits() {}\nfun plain() {}\n"
  expect(await yields("f.kt", text.replace("CALL", "waits"))).toBe(true)
  expect(await yields("f.kt", text.replace("CALL", "plain"))).toBe(false)
})
