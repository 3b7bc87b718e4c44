import fc from "fast-check"
import { expect, test } from "vitest"
import { walk } from "../../ir/children.ts"
import type { Node, SourceUnit } from "../../ir/nodes.ts"
import { printNodes, printUnit } from "../../ir/print.ts"
import { parseSource, parseSyntax } from "../parse.ts"
import type { Syntax } from "../syntax.ts"
import { lowerKotlin } from "./lower.ts"
import { regroup } from "./regroup.ts"

async function unitOf(text: string): Promise<SourceUnit> {
  return lowerKotlin(await parseSyntax("kotlin", text), text)
}

/** A whole file, printed. */
async function file(text: string): Promise<string> {
  return printUnit(await unitOf(text))
}

test("a class whose delegation the grammar reads as a call has its body", async () => {
  const text =
    "class A : B by b() {\n val x = 1\n companion object { val y = 2 }\n init { f() }\n fun z() { g() }\n}"
  expect(await file(text)).toBe(
    "(class A < B (field val x = 1) (func z() {(call g)}) (other:explicit_delegation (call b)) " +
      "(companion object Companion (field val y = 2)) {(call f)})",
  )
})

test("an error marks the function around it and no other", async () => {
  const unit = await unitOf("fun a() { foo( }\nfun b() { bar() }")
  expect(unit.errors).toBe(1)
  expect(
    unit.body.map((node) => node.kind === "function" && [node.name, node.hasError ?? false]),
  ).toEqual([
    ["a", true],
    ["b", false],
  ])
})

test("a class and a function that the parser gave up on are recovered", async () => {
  expect(await file("class A { companion object { const val X = 1 } }")).toBe(
    "(other:ERROR (class A (companion object Companion (field const val X = 1))))\n(errors 1)",
  )
  expect(await file("fun f() { class X { companion object { val x = y() } } }")).toBe(
    "(other:ERROR (func f() {(class X (companion object Companion (field val x = (call y))))} !error))\n(errors 1)",
  )
})

test("nested class bodies in one line are read in a second attempt, with the offsets of the text", async () => {
  const text =
    "class A { companion object { val x = f() } }\nclass B { object C { val y = 1 } }\nfun g() { h() }"
  const unit = await parseSource("a.kt", text)
  expect(printUnit(unit)).toBe(
    [
      "(class A (companion object Companion (field val x = (call f))))",
      "(class B (object C (field val y = 1)))",
      "(func g() {(call h)})",
    ].join("\n"),
  )
  expect(unit.body.map((node) => text.slice(node.start, node.end))).toEqual(text.split("\n"))
})

test("nesting beyond all reason is lowered too", async () => {
  for (const piece of ["class A {", "fun f() {", "(", "{", "!", "a + ", "if (a) ", 'f("${']) {
    expect((await unitOf(piece.repeat(2_000))).language).toBe("kotlin")
  }
})

const PIECES = [
  "class A {",
  "fun f() {",
  "}",
  "(",
  ")",
  "f(",
  "when (x) {",
  "->",
  "{",
  "@A",
  "enum class E {",
  "for (",
  '"',
  '"""',
  "catch (e: E) {",
  "x",
  ".",
  "::",
  "!",
  "<T>",
  "by",
  "object",
  "companion object {",
  "init {",
  "\n",
  "$",
  "${",
  "=",
]

test("any text is lowered, whatever it is", async () => {
  const pieces = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string()), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(pieces, async (parts) => {
      const text = parts.join(" ")
      const unit = await unitOf(text)
      expect(printNodes(unit.body)).toBeTypeOf("string")
      for (const node of unit.body) walk(node, (one) => within(one, text.length))
    }),
    { numRuns: 200 },
  )
})

function within(node: Node, length: number): void {
  if (node.start < 0 || node.end > length || node.start > node.end) throw new RangeError(node.kind)
}

const CALLS = new Set([
  "call_expression",
  "infix_expression",
  "object_literal",
  "constructor_delegation_call",
])

/** `f(x) { … }` is a call in a call to the grammar. */
function callsIn(node: Syntax): number {
  const [head, lambda] = node.children
  const isTwice =
    head?.type === "call_expression" &&
    lambda?.type === "annotated_lambda" &&
    node.children.length === 2
  const below = node.children.reduce((sum, child) => sum + callsIn(child), 0)
  return CALLS.has(node.type) && !isTwice ? below + 1 : below
}

test("no call is lost, wherever it stands", async () => {
  const text = `class C(val a: Int = f()) : D by g() {
  val b by h { i() }
  val c: Int get() = j()
  init { k() }
  constructor() : this(l()) { m() }
  fun n(a: Int = o()) = if (p()) q() else { r(); s() }
}
fun t() {
  when (val x = u()) { in v()..w() -> x(); else -> y() }
  for (z in a()) { b { c() } }
  while (d()) { e(f(g = h(), *i())) }
  try { j() } catch (e: E) { k() } finally { l() }
  val m = object : N { val o = p() }
  val q = "\${r()} s" + t()[u()]
  !v.w() && x<Y>(z()) && a() to b()
  return c() ?: throw d()
}
fun broken() { foo(bar() }`
  const root = await parseSyntax("kotlin", text)
  let calls = 0
  for (const node of lowerKotlin(root, text).body) {
    walk(node, (one) => {
      if (one.kind === "call") calls++
    })
  }
  expect(calls).toBe(callsIn(regroup(root, text)))
  expect(calls).toBeGreaterThan(40)
})
