/** No call is lost, and no text is too strange. */
import fc from "fast-check"
import { expect, test } from "vitest"
import { walk } from "../ir/children.ts"
import type { Node, SourceUnit } from "../ir/nodes.ts"
import { lowerGo } from "./go/lower.ts"
import { callsIn, callsOf } from "./lowered.fixture.ts"
import { parseSyntax } from "./parse.ts"
import { lowerPython } from "./python/lower.ts"
import type { Syntax } from "./syntax.ts"

interface Tried {
  readonly grammar: "go" | "python"
  readonly lower: (root: Syntax, text: string) => SourceUnit
  readonly isCall: (node: Syntax) => boolean
  readonly isType: (node: Syntax) => boolean
  /** Statements that stand alone and inside one another's blocks. */
  readonly pieces: readonly string[]
  readonly wrap: (body: string) => string
}

const GO: Tried = {
  grammar: "go",
  lower: lowerGo,
  isCall: (node) => /^(?:call|type_conversion)_expression$/.test(node.type),
  isType: (node) => node.type === "parameter_list" || node.type === "field_declaration",
  pieces: [
    "a(b(), c(d()))",
    "x, err := a(b())",
    "x.y = a()[b()]",
    "if v := a(); b(v) { c() } else if d() { e() } else { f() }",
    "for i := a(); b(i); c(i) { d() }",
    "for k, v := range a(k) { b(v) }",
    "L: for a() { break L }",
    "switch x := a(); b(x) { case c(), d(): e(); default: f() }",
    "switch t := a().(type) { case int: b(t) }",
    "select { case v := <-a(): b(v); case c() <- d(): e(); default: f() }",
    "go func(n int) { a(n) }(b())",
    "defer a(b)(c())",
    "x := T{A: a(), B: []U{{b()}, {C: c()}}, D: map[K]V{d(): {e()}}}",
    "return a(), func() int { return b() }",
    "a[int](b())",
    "handlers[a()](b())",
    "x := [unsafe.Sizeof(y)]byte{1}",
    "var v, w = a(), b[:c()]",
    "x := a().(interface{ Is() bool }).Is(b()...)",
    "goto L",
    'const c = len("x")',
  ],
  wrap: (body) => `package p\nfunc f() {\n${body}\n}\nvar v = g(func() {\n${body}\n})\n`,
}

const PYTHON: Tried = {
  grammar: "python",
  lower: lowerPython,
  // Broken code may read as Python 2, whose print is a call here.
  isCall: (node) => node.type === "call" || node.type === "print_statement",
  isType: (node) => node.type === "type",
  pieces: [
    "a(b(), *c(), k=d(), **e())",
    "x = y = a(b())",
    "a().x[b():c()] += d()",
    "if (n := a()): b()\nelif c(): d()\nelse: e()",
    "for i in a(): b()\nelse: c()",
    "while a(): b()\nelse: c()",
    "try: a()\nexcept b() as e: c()\nexcept (d(), E): raise f() from g()\nelse: h()\nfinally: i()",
    "with a() as b().c, d(): e()",
    "match a():\n    case P(x=1) if b(): c()\n    case _: d()",
    "x = [a(i) for i in b() if c(i)]",
    "x = {a(k): b(v) for k, v in c()}",
    "f(a(x) for x in b())",
    'x = f"{a():>{b()}} {c()!r}" "d"',
    "x = a() if b() else c()",
    "x = a() < b() < c()",
    "x = lambda y=a(): b()",
    "def g(x=a(), *y): return b()",
    "class C(a(), metaclass=b()):\n    x = c()\n    d()\n    def m(self): e()",
    "assert a(), b()",
    "del a().x",
    "x = {'k': a(), b(): c(), **d()}",
    "x = not a() and -b() or (await_(), c())",
    "return a(), b()",
    "yield a()",
    "print(a())",
  ],
  wrap: (body) => `def f():\n${body.replaceAll(/^/gm, "    ")}\n${body}\n`,
}

const TRIED: readonly Tried[] = [GO, PYTHON]

for (const one of TRIED) {
  test(`${one.grammar}: every call of the parse tree is in the intermediate form`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...one.pieces), { maxLength: 12 }),
        async (pieces) => {
          const text = one.wrap(pieces.length === 0 ? "a()" : pieces.join("\n"))
          const root = await parseSyntax(one.grammar, text)
          const unit = one.lower(root, text)
          expect(unit.errors).toBe(0)
          expect(callsOf(unit)).toBe(callsIn(root, one.isCall, one.isType))
        },
      ),
      { numRuns: 60, seed: 1 },
    )
  })

  test(`${one.grammar}: broken code lowers too, within its text and without a call too many`, async () => {
    const broken = fc
      .tuple(
        fc.array(fc.constantFrom(...one.pieces), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.nat(12),
        fc.string({ maxLength: 4 }),
      )
      .map(([pieces, at, cut, put]) => {
        const whole = one.wrap(pieces.join("\n"))
        const from = at % whole.length
        return whole.slice(0, from) + put + whole.slice(from + cut)
      })
    await fc.assert(
      fc.asyncProperty(broken, async (text) => {
        const root = await parseSyntax(one.grammar, text)
        const unit = one.lower(root, text)
        expect(misplaced(unit, text)).toEqual([])
        expect(callsOf(unit)).toBeLessThanOrEqual(callsIn(root, one.isCall, () => false))
      }),
      { numRuns: 200, seed: 2 },
    )
  })

  test(`${one.grammar}: any string lowers`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), async (text) => {
        expect(misplaced(one.lower(await parseSyntax(one.grammar, text), text), text)).toEqual([])
      }),
      { numRuns: 100, seed: 3 },
    )
  })
}

test("nothing deep runs out of stack", async () => {
  for (const one of TRIED) {
    for (const text of [
      "(".repeat(20_000),
      "f(".repeat(20_000),
      "a+".repeat(20_000) + "1",
      "x = [".repeat(5_000),
    ]) {
      expect(misplaced(one.lower(await parseSyntax(one.grammar, text), text), text)).toEqual([])
    }
  }
})

/** Nodes that do not lie in their text. */
function misplaced(unit: SourceUnit, text: string): Node[] {
  const found: Node[] = []
  for (const root of unit.body) {
    walk(root, (node) => {
      if (node.start < 0 || node.end < node.start || node.end > text.length) found.push(node)
    })
  }
  return found
}
