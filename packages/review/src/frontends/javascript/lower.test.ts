import { expect, test } from "vitest"
import { lowered } from "../lowered.fixture.ts"
import { parseSource } from "../parse.ts"

const ts = (code: string): Promise<string> => lowered("a.ts", code)
const js = (code: string): Promise<string> => lowered("a.js", code)

test.each([
  ["(a as B).c", "a.c"],
  ["a!.b", "a.b"],
  ["a satisfies B", "a"],
  ["f<T>(x)", "(call f x)"],
  ["a?.b?.[c]?.(d)", "(call a.b[c] d)"],
  ["const x = <T>f(y)", "(const x = (call f y))"],
  ["f<T>", "f"],
])("marks of types and of options vanish: %s", async (code, expected) => {
  expect(await ts(code)).toBe(expected)
})

test.each([
  ["await f<T>(x)", "(await (call f x))"],
  ["a || !f<T>(x)", "(|| a (! (call f x)))"],
  ["x + f<T>(y)", "(+ x (call f y))"],
  ["(await db.query<R>(s)).rows", "(await (call db.query s)).rows"],
  ["await f<T>(x).g()", "(await (call (call f x).g))"],
  ["sql<A>`q`", '(tagged sql "q")'],
  ["await sql<A[]>`q ${x}`", '(await (tagged sql (template "q " x)))'],
  ["await sql<A>`q`.run<T>(db)", '(await (call (tagged sql "q").run db))'],
  ["() => sql<A[]>`q`", '(lambda () {(return:implicit (tagged sql "q"))})'],
  ["a < b && c > (d)", "(&& (< a b) (> c d))"],
])("type arguments do not change what is called: %s", async (code, expected) => {
  expect(await ts(code)).toBe(expected)
})

test.each([
  ["x++", "(set x += 1)"],
  ["--a.b", "(set a.b -= 1)"],
  ["a ??= b", "(set a ??= b)"],
  ["a, b()", "(other:sequence_expression a (call b))"],
  ["(0, a.b)()", "(call (other:sequence_expression 0 a.b))"],
  ["new Foo", "(new Foo)"],
  ["delete a.b", "(delete a.b)"],
  ["/re/gi", "(other:regex)"],
  ["import('x').then(f)", '(call (call import "x").then f)'],
  ["a ? b : c", "(? a b c)"],
  ["#x in y", "(in #x y)"],
  ["f(...x)", "(call f ...x)"],
  ["new.target", "new.target"],
])("an expression: %s", async (code, expected) => {
  expect(await js(code)).toBe(expected)
})

test.each([
  ["1_000", "1000"],
  ["0x1F", "31"],
  ["10n", "10"],
  ["0o17", "15"],
  ["017", "15"],
  [".5", "0.5"],
])("a number is its value: %s", async (code, expected) => {
  expect(await js(code)).toBe(expected)
})

test.each([
  [String.raw`'a\n\x41\u{1F600}\u00e9\'\q'`, "a\nA\u{1f600}é'q"],
  ["'a\\\nb'", "ab"],
  ["`a\\`b`", "a`b"],
])("escapes in strings are resolved: %s", async (code, expected) => {
  expect(await js(code)).toBe(JSON.stringify(expected))
})

test("a template is its texts and holes in order, and a string without holes", async () => {
  expect(await js("`a${b}${c()} d`")).toBe('(template "a" b (call c) " d")')
  expect(await js("`a`")).toBe('"a"')
})

test("a function is called after what it is bound to", async () => {
  const code = `const a = () => 1; b = function c() {}; exports.d = async () => {}; A.prototype.e = function () {}
    const o = { f: () => 1, async g() {}, "h-i": function* () {} }
    export default () => {}; call(function j() {}); call(() => {})`
  expect((await js(code)).split("\n")).toEqual([
    "(const a = (func a() {(return:implicit 1)}))",
    "(set b = (func b() {}))",
    "(set exports.d = (export async func d() {}))",
    "(set A.prototype.e = (func e() {}))",
    '(const o = (object "f": (func f() {(return:implicit 1)}) "g": (async func g() {}) "h-i": (func * h-i() {})))',
    "(export default func default() {})",
    "(call call (lambda j() {}))",
    "(call call (lambda () {}))",
  ])
})

test("a function within another one is a lambda, also with a name; a field of a class is none", async () => {
  expect(await js("function f() { const g = () => {} }")).toBe(
    "(func f() {(const g = (lambda g() {}))})",
  )
  expect(await js("function f() { return class { g = () => {} } }")).toBe(
    "(func f() {(return (class  (field g = (func g() {}))))})".replace("class  ", "class "),
  )
})

test("a pattern gives its names, and each default is an assignment after it", async () => {
  expect(await js("const { a = f(), b: { c }, [g()]: d, ...e } = x")).toBe(
    "(const a, c, d, e = x)\n(set a ??= (call f))\n(call g)",
  )
  expect(await js("[a, , b.c] = [1, 2, 3]")).toBe("(set a, null, b.c = [1 2 3])")
  expect(await js("function f({ a = g(), b }, [c] = [], ...d) {}")).toBe(
    "(func f({a b}, {c} = [], ...d) {(set a ??= (call g))})",
  )
})

test("a declaration of several variables is several assignments", async () => {
  expect(await ts("let a: number, b = 1")).toBe("(let a: number)\n(let b = 1)")
})

test("a class has its fields, methods and the rest", async () => {
  const code = `@Dec({ a: 1 }) export class A<T> extends B<T> implements I, J.K {
    @field() private readonly x: number = f(); static #y?; #p() {} static { init() }
    get z() { return 1 } static async *g() {} @On(1) m(@Arg(Q) q?: Q): void {}
    constructor(private readonly pool: Pool) { super() } [k: string]: any; ["s"]() {}
  }`
  expect(await ts(code)).toBe(
    '(@Dec((object "a": 1)) export class A < B, I, J.K (field @field private readonly x: number = (call f))' +
      " (field static #y) (field private readonly pool: Pool) (func #p() {}) (get func z() {(return 1)})" +
      " (static async func * g() {}) (@On(1) func m(@Arg(Q) q: Q): void {})" +
      ' (func constructor(pool: Pool) {(call super)}) (func s() {}) {(call init)} "s")',
  )
})

test("decorators of JavaScript stand within what they decorate", async () => {
  expect(await js("@d(1) class A { @e x = 1; @f(2) m() {} }")).toBe(
    "(@d(1) class A (field @e x = 1) (@f(2) func m() {}))",
  )
})

test("what is called to make a base class is not lost", async () => {
  expect(await js("class A extends mixin(B) {}")).toBe("(class A < mixin (call mixin B))")
})

test("interfaces, shapes, abstract methods and overloads have no bodies", async () => {
  expect(await ts("interface I extends J<T> { a?: string; m(x: number): void }")).toBe(
    "(interface I < J (field a: string) (func m(x: number): void))",
  )
  expect(await ts("type T = { m(): void }; type U = string")).toBe("(interface T (func m(): void))")
  expect(await ts("abstract class Q { abstract m(): void }")).toBe(
    "(abstract class Q (abstract func m(): void))",
  )
  expect(await ts("function f(a: string): void; function f(a) {}")).toBe(
    "(func f(a: string): void)\n(func f(a) {})",
  )
})

test("enums have fields; namespaces and modules hold their statements", async () => {
  expect(await ts("enum E { A = 1, B = f(), C }")).toBe(
    "(enum E (field A = 1) (field B = (call f)) (field C))",
  )
  expect(await ts("namespace N { f() }")).toBe("(other:internal_module {(call f)})")
  expect(await ts("declare module 'm' { function f(): void }")).toBe(
    "(other:module {(func f(): void)})",
  )
  expect(await ts("declare function f(): void")).toBe("(declare func f(): void)")
})

test("loops that end only from within have no test", async () => {
  expect(await js("for (;;) {}")).toBe("(for {})")
  expect(await js("while (true) {}")).toBe("(while {})")
  expect(await js("do { f() } while (1)")).toBe("(do {(call f)})")
  expect(await js("for (let i = 0; i < n; i++) f()")).toBe(
    "(for init (let i = 0) test (< i n) update (set i += 1) {(call f)})",
  )
})

test("loops over something bind names", async () => {
  expect(await js("for await (const [a, b] of c) {}")).toBe("(async-each a, b in c {})")
  expect(await js("for (const k in o) f(k)")).toBe("(each k in o {(call f k)})")
  expect(await js("l: while (a) { continue l }")).toBe("(while label:l test a {(continue l)})")
})

test("branches are blocks", async () => {
  expect(await js("if (a) b(); else if (c) d(); else e()")).toBe(
    "(if a {(call b)} else {(if c {(call d)} else {(call e)})})",
  )
  expect(await js("switch (x) { case 1: case 2: a(); break; default: b() }")).toBe(
    "(switch x (case 1 {}) (case 2 {(call a) (break)}) (case {(call b)}))",
  )
})

test("try has what is caught under its name, if it has one", async () => {
  expect(await js("try { a() } catch { b() } finally { c() }")).toBe(
    "(try {(call a)} (catch {(call b)}) finally {(call c)})",
  )
  expect(await js("try {} catch (error) {}")).toBe("(try {} (catch as error {}))")
  expect(await js("try {} catch ({ code }) {}")).toBe("(try {} (catch {(let code)}))")
})

test.each(["a.ts", "a.js"])(
  "using holds its resource for the rest of the block: %s",
  async (path) => {
    expect(await lowered(path, "{ a(); using l = f(); await using m = g(); b() }")).toBe(
      "{(call a) (with:resources ((call f) as l) {(async-with:resources ((call g) as m) {(call b)})})}",
    )
  },
)

test("imports of every form", async () => {
  const code = `import a, { b as c, type D } from "x"; import * as ns from "y"; import type E from "z"
    import "side"; import eq = require("eq"); export { q as r } from "n"; export * from "m"
    const f = require("f"); const { g, h: i } = require("g"); const j = require("j").k; require("l")
    const { o } = await import("o")`
  const unit = await parseSource("a.ts", code)
  expect(unit.imports.map(({ module, name, local }) => `${module} ${name} ${local}`)).toEqual([
    "x default a",
    "x b c",
    "x D D",
    "y * ns",
    "z default E",
    "side * ",
    "eq * eq",
    "n q r",
    "m * *",
    "f * f",
    "g g g",
    "g h i",
    "j k j",
    "l * ",
    "o o o",
  ])
})

test("exports of values are assignments to exports", async () => {
  expect(await ts("export default f(x)")).toBe("(set exports.default = (call f x))")
  expect(await ts("export { a, b as c }")).toBe("(set exports.c = b)")
  expect(await ts("export = a")).toBe("(set module.exports = a)")
  expect(await ts("export async function f() {}")).toBe("(export async func f() {})")
  expect(await ts("export default class {}")).toBe("(export default class default)")
})

test("an element of JSX holds the expressions within it", async () => {
  const code = `<A x={f()} y="s" {...rest} onClick={async () => g()}>text {h()} <b>{i}</b></A>`
  expect(await lowered("a.tsx", `const v = () => ${code}`)).toBe(
    "(const v = (func v() {(return:implicit (other:jsx_element" +
      ' (call f) "s" ...rest (async lambda onClick() {(return:implicit (call g))})' +
      " (call h) (other:jsx_element i)))}))",
  )
})

test("an error spoils the nearest function that is no lambda, and nothing else", async () => {
  const unit = await lowered(
    "a.js",
    "class A { bad() { f(() => { const = ; }) } good() { g() } }\nfunction ok() { h() }",
  )
  expect(unit).toMatch(/func bad\(\) .* !error\)/)
  expect(unit).toContain("(func good() {(call g)})")
  expect(unit).toContain("(func ok() {(call h)})")
  expect(unit).toContain("(errors 1)")
})

test("a tag with type arguments is no error", async () => {
  const unit = await parseSource("a.ts", "async function f() { await sql<A[]>`x` }")
  expect(unit.errors).toBe(0)
})

test("comments are spans", async () => {
  const code = "f(/* a */ x) // b"
  const unit = await parseSource("a.js", code)
  expect(unit.comments.map(({ start, end }) => code.slice(start, end))).toEqual(["/* a */", "// b"])
})

test("spans are offsets of the text, also after characters outside the first plane", async () => {
  const code = 'const s = "\u{1f600}"; run(s)'
  const unit = await parseSource("a.ts", code)
  expect(unit.body.map(({ start, end }) => code.slice(start, end))).toEqual([
    'const s = "\u{1f600}"',
    "run(s)",
  ])
})
