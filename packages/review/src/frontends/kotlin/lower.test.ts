import { expect, test } from "vitest"
import type { SourceUnit } from "../../ir/nodes.ts"
import { printUnit } from "../../ir/print.ts"
import { parseSyntax } from "../parse.ts"
import { lowerKotlin } from "./lower.ts"

async function unitOf(text: string): Promise<SourceUnit> {
  return lowerKotlin(await parseSyntax("kotlin", text), text)
}

/** A whole file, printed. */
async function file(text: string): Promise<string> {
  return printUnit(await unitOf(text))
}

/** The members of one class, printed. */
async function members(text: string): Promise<string> {
  return (await file(`class A {\n${text}\n}`)).replace(/^\(class A (.*)\)$/, "$1")
}

/** The statements of one function, printed. */
async function body(text: string): Promise<string> {
  return (await file(`fun f() {\n${text}\n}`)).replace(/^\(func f\(\) \{(.*)\}\)$/, "$1")
}

test("a package, imports with alias and star, and annotations of the file", async () => {
  expect(
    await file('@file:JvmName("Foo")\npackage a.b\nimport a.C as D\nimport x.y.*\nimport k.delay'),
  ).toBe(
    [
      "(package a.b)",
      "(import a.C C as D)",
      "(import x.y * as *)",
      "(import k.delay delay as delay)",
      '(other:file_annotation JvmName "Foo")',
    ].join("\n"),
  )
})

test("parameters of the constructor are its own, and those with val or var are fields", async () => {
  const text =
    '@S("x")\nopen class A<T>(@I private val x: Int = f(), y: String = g(), vararg z: Int) : B(y), C<T>, D by h()'
  expect(await file(text)).toBe(
    '(@S("x") open class A < B, C, D (field @I private val x: Int = (call f)) ' +
      "(func constructor(x: Int, y: String = (call g), ...z: Int) {(call super y)}) " +
      "(other:explicit_delegation (call h)))",
  )
})

test("properties have initialisers, delegates and accessors", async () => {
  const text = `var p: Int = 1
    get() = field + 1
    private set(v) { field = v }
  val q by lazy { f() }
  @field:[Id Col("x")] @get:Foo lateinit var s: String
  val String.len: Int get() = length`
  expect(await members(text)).toBe(
    "(field var p: Int = 1) (field val q = (call lazy (lambda () {(return:implicit (call f))}))) " +
      '(field @Id @Col("x") @Foo lateinit var s: String) (field val len: Int) ' +
      "(get func p() {(return:implicit (+ field 1))}) (private set func p(v) {(set field = v)}) " +
      "(get func <this String> len() {(return:implicit length)})",
  )
})

test("companions, initialisers and nested classes are the rest of a class", async () => {
  expect(
    await members("companion object {\nconst val X = 1\n}\ninit { f() }\nclass B\nobject C : D()"),
  ).toBe("(companion object Companion (field const val X = 1)) {(call f)} (class B) (object C < D)")
})

test("secondary constructors call the other one first", async () => {
  expect(
    await members("constructor(a: Int) : this(a, h()) { g() }\nconstructor() : super(1)"),
  ).toBe(
    "(func constructor(a: Int) {(call this a (call h)) (call g)}) (func constructor() {(call super 1)})",
  )
})

test("classes are data classes, interfaces, enums and objects by form and modifiers", async () => {
  expect(
    await file(
      "data class D(val a: Int)\nfun interface F { fun a(x: Int): Int }\nobject O : Base(1)",
    ),
  ).toBe(
    [
      "(data class D (field val a: Int) (func constructor(a: Int) {}))",
      "(interface F (func a(x: Int): Int))",
      "(object O < Base (func constructor() {(call super 1)}))",
    ].join("\n"),
  )
  expect(
    await file(
      "enum class E(val v: Int) : I {\n  A(1) { override fun a() {} },\n  @X B;\n  fun z() = v\n}",
    ),
  ).toBe(
    "(enum enum E < I (field val v: Int) (field A: E = (new E 1 (object < E (override func a() {})))) " +
      "(field @X B: E) (func constructor(v: Int) {}) (func z() {(return:implicit v)}))",
  )
})

test("functions may suspend, extend a type and be an expression", async () => {
  const text = `@Tx(a = 1) suspend fun <T> List<T>?.go(@N a: Int = f(), vararg b: String): T where T : Any = g()
fun \`some name\`() {}
fun (() -> Unit).twice() {}`
  expect(await file(text)).toBe(
    [
      "(@Tx(a=1) suspend async func <this List> go(@N a: Int = (call f), ...b: String): T {(return:implicit (call g))})",
      "(func some name() {})",
      "(func <this () -> Unit> twice() {})",
    ].join("\n"),
  )
})

test("properties and aliases may stand outside of a class, with accessors behind them", async () => {
  expect(
    await file("const val a: Int = 1\nval b get() = f()\ntypealias T = Map<String, Int>"),
  ).toBe(
    [
      "(const a: Int = 1)",
      "(const b)",
      "(get func b() {(return:implicit (call f))})",
      "(other:type_alias)",
    ].join("\n"),
  )
})

test("a trailing lambda is the last argument, with `it` where no parameter is declared", async () => {
  expect(
    await body("f(1) { g(it) }\nf { x, (y, z) -> x }\nf({ -> a() }, { b() })\na { x }.b { y }"),
  ).toBe(
    "(call f 1 (lambda (it) {(return:implicit (call g it))})) (call f (lambda (x, {y z}) {(return:implicit x)})) " +
      "(call f (lambda () {(return:implicit (call a))}) (lambda (it) {(return:implicit (call b))})) " +
      "(call (call a (lambda (it) {(return:implicit x)})).b (lambda (it) {(return:implicit y)}))",
  )
})

test("what calls its lambda without a parameter leaves `it` to the lambda outside", async () => {
  expect(await body("xs.forEach { scope.launch { it.run() } }")).toBe(
    "(call xs.forEach (lambda (it) {(return:implicit (call scope.launch (lambda () {(return:implicit (call it.run))})))}))",
  )
})

test("labels of lambdas vanish; a return from one is a return", async () => {
  expect(await body("xs.forEach l@{ if (a) return@l; b() }")).toBe(
    "(call xs.forEach (lambda (it) {(if a {(return)}) (return:implicit (call b))}))",
  )
})

test("type arguments vanish, also where the grammar reads a comparison", async () => {
  expect(await body("a.b<Int>(c)\nf<Unit> { x() }\nf<A, B>(c).d()\nval x = y ?: f<A.B>(c)")).toBe(
    "(call a.b c) (call f (lambda (it) {(return:implicit (call x))})) (call (call f c).d) (const x = (?? y (call f c)))",
  )
})

test("a prefix stands around all of what follows it", async () => {
  expect(await body("!a.b()\nval x = -a.b[1]!!.c\nval y = a && !f<T>(x) { g() }\n++a.b")).toBe(
    "(! (call a.b)) (const x = (- a.b[1].c)) " +
      "(const y = (&& a (! (call f x (lambda (it) {(return:implicit (call g))}))))) (set a.b += 1)",
  )
})

test("infix calls are calls, ranges and membership are binary", async () => {
  expect(
    await body("for (i in 0 until n step 2) f()\na..b\nx !in y\nx is Foo\nx !is a.Foo<B>"),
  ).toBe(
    "(each i in (call (call 0.until n).step 2) {(call f)}) (.. a b) (! (in x y)) (instanceof x Foo) " +
      "(! (instanceof x a.Foo))",
  )
})

test("safe calls are members, and `!!` and casts vanish", async () => {
  expect(await body("a?.b?.c()!!.d ?: return\nval x = a as? B ?: throw E()")).toBe(
    "(?? (call a.b.c).d (return)) (const x = (?? a (throw (call E))))",
  )
})

test("references are members; `this@Outer` is one of the outer class", async () => {
  expect(
    await body(
      "f(::g, this::g, String::h, Foo::class.java, Foo<A>::b)\nthis@A.b()\nsuper<X>.c()\nsuper@A.d()",
    ),
  ).toBe(
    "(call f g this.g String.h Foo.class.java Foo.b) (call A.this.b) (call super.c) (call A.super.d)",
  )
})

test("strings have names and expressions as holes", async () => {
  expect(
    await body(
      's = "a $b ${c.d()} \\n\\u0041 \\$x $"\nt = """raw \\n $x"""\nu = ""\nv = "$this.x"',
    ),
  ).toBe(
    '(set s = (template "a " b " " (call c.d) " \\nA $x $")) (set t = (template "raw \\\\n " x)) (set u = "") ' +
      '(set v = (template this ".x"))',
  )
})

test("literals have their values", async () => {
  expect(await body("f(1_000L, 0xFFu, 0b11, 1.5f, 1e3, true, null, 'c', '\\n')")).toBe(
    '(call f 1000 255 3 1.5 1000 true null "c" "\\n")',
  )
})

test("arguments are named and spread", async () => {
  expect(await body("f(name = 1, *xs, g = { 2 })")).toBe(
    "(call f name=1 ...xs g=(lambda g(it) {(return:implicit 2)}))",
  )
})

test("`if` is a statement, a conditional of two expressions, or kept as it is", async () => {
  expect(await body("if (a) { b() } else if (c) x = 1 else { e() }\nif (a) ; else f()")).toBe(
    "(if a {(call b)} else {(if c {(set x = 1)} else {(call e)})}) (if a {} else {(call f)})",
  )
  expect(
    await body(
      "val x = if (a) b else { c() }\nval y = if (a) { b(); c() } else d\nval z = if (a) b else return",
    ),
  ).toBe(
    "(const x = (? a b (call c))) (const y = (other:if_expression (if a {(call b) (call c)} else {d}))) " +
      "(const z = (other:if_expression (if a {b} else {(return)})))",
  )
})

test("`when` is a switch, as a statement and as a value, with or without a subject", async () => {
  const text = `when (val z = f()) {
    1, 2 -> a()
    in 1..3 -> b()
    is Foo -> { c() }
    !is Bar -> {}
    else -> d()
  }
  val w = when { a -> 1; else -> throw e }`
  expect(await body(text)).toBe(
    "(switch (const z = (call f)) (case 1 2 {(call a)}) (case (other:range_test (.. 1 3)) {(call b)}) " +
      "(case (other:type_test Foo) {(call c)}) (case (! (other:type_test Bar)) {}) (case {(call d)})) " +
      "(const w = (switch _ (case a {1}) (case {(throw e)})))",
  )
})

test("`try` is a statement and a value", async () => {
  expect(await body("val y = try { f() } catch (e: a.E) { null } finally { g() }")).toBe(
    "(const y = (try {(call f)} (catch a.E as e {null}) finally {(call g)}))",
  )
})

test("loops bind names, keep labels, and have no test where they always go on", async () => {
  const text =
    "o@ for ((a, b) in m) { break@o; continue; continue@o }\nwhile (true) { f() }\ndo { g() } while (x)\nwhile (y) ;"
  expect(await body(text)).toBe(
    "(each label:o a, b in m {(break o) (continue) (continue o)}) (while {(call f)}) (do test x {(call g)}) " +
      "(while test y {})",
  )
})

test("assignments, increments and destructuring are assignments", async () => {
  expect(await body("x++\n--x\na[1, 2] += 3\na?.b = 4\nval (c, _: Int) = p\nvar d: Int")).toBe(
    "(set x += 1) (set x -= 1) (set a[[1 2]] += 3) (set a.b = 4) (const c, _ = p) (let d: Int)",
  )
})

test("anonymous objects and functions", async () => {
  expect(
    await body(
      "val o = object : Foo(g()), Bar { override fun a() {} }\nval p = object {\n val x = 1\n}",
    ),
  ).toBe(
    "(const o = (new Foo (call g) (object < Foo, Bar (override func a() {})))) " +
      "(const p = (new object (object (field val x = 1))))",
  )
  expect(await body("val f = fun Int.(x: Int): Int { return x }")).toBe(
    "(const f = (lambda <this Int> f(x: Int): Int {(return x)}))",
  )
})

test("annotations of expressions vanish", async () => {
  expect(await body('@Suppress("X") foo()')).toBe("(call foo)")
})

test("comments are spans", async () => {
  const text = "// one\nfun a() { /* two */ }"
  const { comments } = await unitOf(text)
  expect(comments.map((one) => text.slice(one.start, one.end))).toEqual(["// one", "/* two */"])
})
