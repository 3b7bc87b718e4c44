import { expect, test } from "vitest"
import { functionsOf, lowered } from "../lowered.fixture.ts"
import { parseSource } from "../parse.ts"

async function python(...lines: readonly string[]): Promise<string> {
  return await lowered("a.py", `${lines.join("\n")}\n`)
}

test("imports have their module as written, the name and the name in this file", async () => {
  const text = await python(
    "from __future__ import annotations",
    "import os, sys as s",
    "import a.b as c, d.e",
    "from ..db import x, y as z",
    "from . import q",
    "from m import *",
    "from n import (k, l)",
  )
  expect(text.split("\n")).toEqual([
    "(import __future__ annotations as annotations)",
    "(import os * as os)",
    "(import sys * as s)",
    "(import a.b * as c)",
    "(import d.e * as d)",
    "(import ..db x as x)",
    "(import ..db y as z)",
    "(import . q as q)",
    "(import m * as *)",
    "(import n k as k)",
    "(import n l as l)",
  ])
})

test("an import inside a body is of the unit too", async () => {
  expect(await python("try:", "    import a", "except ImportError:", "    a = None")).toBe(
    "(import a * as a)\n(try {(other:import_statement)} (catch ImportError {(let a = null)}))",
  )
})

test("a function has parameters, defaults, hints as text, and rests without stars", async () => {
  expect(
    await python(
      "def f(a, b: int = 1, /, *args: str, c=2, d, **options) -> list[int]:",
      "    pass",
    ),
  ).toBe("(func f(a, b: int = 1, ...args: str, c = 2, d, ...options): list[int] {})")
  expect(await python("def f(self, *, k: 'a | b'): ...")).toBe(
    "(func f(self, k: 'a | b') {(other:ellipsis)})",
  )
})

test("decorators are annotations with their arguments", async () => {
  expect(
    await python("@app.task(bind=True, max_retries=f())", "@plain", "async def f(): pass"),
  ).toBe("(@app.task(bind=true max_retries=(call f)) @plain async func f() {})")
  expect(await python('@registry.get("x").register', "class A: pass")).toBe(
    '(@registry.get("x").register((call registry.get "x").register) class A)',
  )
})

test("a function that yields is a generator, one around it is none", async () => {
  expect(
    await python(
      "def f():",
      "    def g():",
      "        yield 1",
      "        yield from z",
      "    return g",
    ),
  ).toBe("(func f() {(func * g() {(other:yield 1) (other:yield z)}) (return g)})")
})

test("a class has bases without type arguments, fields, methods, and the rest", async () => {
  expect(
    await python(
      "class A(B, m.C[int], metaclass=M):",
      '    "doc"',
      "    x: int = 1",
      "    y: str",
      "    z = f()",
      "    a, b = 1, 2",
      "    def m(self): pass",
      "    @property",
      "    def n(self): return self.x",
      "    class Meta: pass",
      "    register(x)",
    ),
  ).toBe(
    '(class A < B, m.C (field x: int = 1) (field y: str) (field z = (call f)) (func m(self) {}) (@property func n(self) {(return self.x)}) metaclass=M "doc" (let a, b = [1 2]) (class Meta) (call register x))',
  )
})

test("a base that is computed is kept as an expression", async () => {
  expect(await python("class A(with_metaclass(M, B)): pass")).toBe(
    "(class A (call with_metaclass M B))",
  )
})

test("an assignment to names declares them, one to a member or an index does not", async () => {
  expect(
    await python(
      "x = 1",
      "x: int = 3",
      "x: int",
      "self.x = 3",
      "x[0] = 1",
      "x += 1",
      "a, *b = c",
      "(a, (b, c)) = d",
    ),
  ).toBe(
    [
      "(let x = 1)",
      "(let x: int = 3)",
      "(let x: int)",
      "(set self.x = 3)",
      "(set x[0] = 1)",
      "(set x += 1)",
      "(let a, ...b = c)",
      "(let a, [b c] = d)",
    ].join("\n"),
  )
})

test("a chain of assignments is an assignment of one", async () => {
  expect(await python("a = b = c()", "x = 1, 2")).toBe(
    "(let a = (let b = (call c)))\n(let x = [1 2])",
  )
})

test("a walrus is an assignment where it stands", async () => {
  expect(await python("if (n := f()) > 1: pass")).toBe("(if (> (let n = (call f)) 1) {})")
})

test("elif is a block with an if", async () => {
  expect(await python("if a: b()", "elif c: d()", "elif e: pass", "else: f()")).toBe(
    "(if a {(call b)} else {(if c {(call d)} else {(if e {} else {(call f)})})})",
  )
})

test("a loop without end has no test", async () => {
  expect(await python("while True: break", "while 1: continue", "while x < 1: pass")).toBe(
    "(while {(break)})\n(while {(continue)})\n(while test (< x 1) {})",
  )
})

test("for binds what it names, and async is told", async () => {
  expect(
    await python(
      "for k, (v, w) in d.items(): pass",
      "for (a, b) in c, d: pass",
      "async def f():",
      "    async for x in y: pass",
    ),
  ).toBe(
    "(each k, [v w] in (call d.items) {})\n(each a, b in [c d] {})\n(async func f() {(async-each x in y {})})",
  )
})

test("the else of a loop follows it", async () => {
  expect(await python("for a in b: c()", "else: d()", "while a: pass", "else: e()")).toBe(
    "(each a in b {(call c)})\n(other:else_clause {(call d)})\n(while test a {})\n(other:else_clause {(call e)})",
  )
})

test("except has its types and its name; a bare one and one with a star are told by their types alone", async () => {
  expect(
    await python(
      "try: x()",
      "except (A, m.B) as e: raise",
      "except C: raise X from e",
      "except D as d: pass",
      "except: raise Y()",
      "else: l()",
      "finally: r()",
      "try: x()",
      "except* (A, B): pass",
    ),
  ).toBe(
    "(try {(call x)} (catch A | m.B as e {(throw)}) (catch C {(throw X from e)}) (catch D as d {}) (catch {(throw (call Y))}) else {(call l)} finally {(call r)})\n" +
      "(try {(call x)} (catch A | B {}))",
  )
})

test("with holds resources and their names, also in parentheses and async", async () => {
  expect(
    await python(
      'with open("f") as f, lock: pass',
      "with (a() as b, c): pass",
      "with a.x() as (y, z): pass",
      "async def f():",
      "    async with lock: g()",
    ),
  ).toBe(
    [
      '(with ((call open "f") as f) lock {})',
      "(with ((call a) as b) c {})",
      "(with ((call a.x) as [y z]) {})",
      "(async func f() {(async-with lock {(call g)})})",
    ].join("\n"),
  )
})

test("match is a switch: alternatives are tests, _ is the default, a guard joins its pattern", async () => {
  expect(
    await python(
      "match cmd:",
      "    case 1 | 2: a()",
      "    case [x, *rest] if x > 1: pass",
      '    case {"k": v}: pass',
      "    case Point(x=0) as p: pass",
      "    case None | m.K | -1: pass",
      "    case _ if ok(): pass",
      "    case _: f()",
    ),
  ).toBe(
    [
      "(switch cmd (case 1 2 {(call a)})",
      "(case (&& [x ...rest] (> x 1)) {})",
      '(case (other:dict_pattern "k" v) {})',
      "(case (other:as_pattern (other:class_pattern Point (other:keyword_pattern x 0)) p) {})",
      "(case null m.K (- 1) {})",
      "(case (call ok) {})",
      "(case {(call f)}))",
    ].join(" "),
  )
})

test("strings lose their prefix and their escapes, raw ones keep them, neighbours are one", async () => {
  expect(
    await python('f("a\\n\\x41\\u00e9", r"a\\n", b"x", """a', 'b""", "a" \'b\' r"\\d", "\\d")'),
  ).toBe('(call f "a\\nAé" "a\\\\n" "x" "a\\nb" "ab\\\\d" "\\\\d")')
})

test("a format string with holes is a template, one without is a string", async () => {
  expect(await python('f"a{x!r:>{w}}b{{c}}{y.z:.2f}"', 'f"{a}" "b" f"c"', 'f"plain"')).toBe(
    [
      '(template "a" (other:interpolation x (other:format_expression w)) "b{c}" y.z)',
      '(template a "bc")',
      '"plain"',
    ].join("\n"),
  )
})

test("numbers are read in every base, and imaginary ones are kept aside", async () => {
  expect(await python("f(1_000, 0x1F, 0b11, 0o17, 1e3, 1.5, 1j)")).toBe(
    "(call f 1000 31 3 15 1000 1.5 (other:integer))",
  )
})

test("arguments may be named and spread, and a generator is one argument", async () => {
  expect(await python("f(a, *b, k=1, **c)", "f(g(x) for x in y)")).toBe(
    "(call f a ...b k=1 ...c)\n(call f (other:generator_expression (call g x) (other:for_in_clause x y)))",
  )
})

test("comprehensions keep what is called and awaited in them", async () => {
  expect(
    await python(
      "[await f(i) async for i in a() if await b(i)]",
      "{k: g(v) for k, v in d.items()}",
    ),
  ).toBe(
    [
      "(other:list_comprehension (await (call f i)) (other:for_in_clause i (call a)) (other:if_clause (await (call b i))))",
      "(other:dictionary_comprehension (other:pair k (call g v)) (other:for_in_clause [k v] (call d.items)))",
    ].join("\n"),
  )
})

test("operators are those of every language: && || ! and === for is", async () => {
  expect(
    await python("a and b or not c", "a is None", "a is not b", "a not in b", "a // -b ** ~c"),
  ).toBe(
    [
      "(|| (&& a b) (! c))",
      "(=== a null)",
      "(!== a b)",
      "(not in a b)",
      "(// a (- (** b (~ c))))",
    ].join("\n"),
  )
})

test("a chained comparison is joined by &&, and nothing in its middle shows twice", async () => {
  expect(await python("a < b <= c", "a < f() < c")).toBe(
    "(&& (< a b) (<= b c))\n(&& (< a (call f)) (< (other:again) c))",
  )
})

test("a conditional has its test first", async () => {
  expect(await python("a() if b else c")).toBe("(? b (call a) c)")
})

test("a lambda returns its value and takes the name of what it is bound to", async () => {
  expect(await python("g = lambda x, *a, y=1: (x)", 'f(key=lambda: 1, d={"k": lambda: 2})')).toBe(
    [
      "(let g = (lambda g(x, ...a, y = 1) {(return:implicit x)}))",
      '(call f key=(lambda key() {(return:implicit 1)}) d=(object "k": (lambda k() {(return:implicit 2)})))',
    ].join("\n"),
  )
})

test("lists, tuples and sets are lists; in a dict only strings are keys", async () => {
  expect(await python("f([1, *x], (1,), (), {1, 2})", 'f({"a": 1, b: 2, **c})')).toBe(
    '(call f [1 ...x] [1] [] [1 2])\n(call f (object "a": 1 [b]: 2 ...c))',
  )
})

test("an index is a value, a slice has a list of what was given", async () => {
  expect(await python("a[1]", "a[1:2]", "a[:]", "a[1:2, ::3]", "a[b, c]")).toBe(
    "a[1]\na[[1 2]]\na[[]]\na[[[1 2] [3]]]\na[[b c]]",
  )
})

test("print is a call in Python 2 as well", async () => {
  expect(await python('print("a", file=f)', 'print "a", b')).toBe(
    '(call print "a" file=f)\n(call print "a" b)',
  )
})

test("what has no kind of its own keeps what is in it", async () => {
  expect(
    await python(
      "assert f(x), 'm'",
      "del a, b[0]",
      "def g():",
      "    global u",
      "    x = yield f()",
    ),
  ).toBe(
    [
      '(other:assert_statement (call f x) "m")',
      "(other:delete_statement [a b[0]])",
      "(func * g() {(other:global_statement u) (let x = (other:yield (call f)))})",
    ].join("\n"),
  )
})

test("a main guard is an if at top level", async () => {
  expect(await python('if __name__ == "__main__": main()')).toBe(
    '(if (== __name__ "__main__") {(call main)})',
  )
})

test("parentheses and marks of a line that goes on vanish", async () => {
  expect(await python("x = ((a)) \\", "    + b", "return_ = (yield_)")).toBe(
    "(let x = (+ a b))\n(let return_ = yield_)",
  )
})

test("a function with an error is marked, the one around it is not, and the rest stands", async () => {
  const unit = await parseSource(
    "a.py",
    "def a():\n    def inner():\n        x = f(1 2)\n    return 1\n\ndef b():\n    g()\n",
  )
  expect(unit.errors).toBeGreaterThan(0)
  expect(functionsOf(unit).map((fn) => [fn.name, fn.hasError ?? false])).toEqual([
    ["a", false],
    ["inner", true],
    ["b", false],
  ])
})

test("an error in a lambda counts for it", async () => {
  const unit = await parseSource("a.py", "f = lambda: g(1 2)\nh = lambda: 1\n")
  expect(functionsOf(unit).map((fn) => [fn.name, fn.hasError ?? false])).toEqual([
    ["f", true],
    ["h", false],
  ])
})

test("an empty body is no error", async () => {
  expect(await python("def f():", "    # nothing yet", "x = 1")).not.toContain("errors")
})

test("offsets count UTF-16 code units", async () => {
  const text = '# 🚀 é\na = "🚀🚀"\ndef späť(): f()\n'
  const unit = await parseSource("a.py", text)
  const [comment] = unit.comments
  expect(text.slice(comment!.start, comment!.end)).toBe("# 🚀 é")
  const [fn] = functionsOf(unit)
  expect(text.slice(fn!.nameStart, fn!.nameStart + 4)).toBe("späť")
  const call = fn!.body!.body[0]!
  expect(text.slice(call.start, call.end)).toBe("f()")
})
