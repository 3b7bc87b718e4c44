import fc from "fast-check"
import { expect, test } from "vitest"
import { walk } from "../../ir/children.ts"
import type { Node, SourceUnit } from "../../ir/nodes.ts"
import { printNodes, printUnit } from "../../ir/print.ts"
import { parseSyntax } from "../parse.ts"
import type { Syntax } from "../syntax.ts"
import { lowerJava } from "./lower.ts"

async function unitOf(text: string): Promise<SourceUnit> {
  return lowerJava(await parseSyntax("java", text), text)
}

/** A whole file, printed. */
async function file(text: string): Promise<string> {
  return printUnit(await unitOf(text))
}

/** The members of one class, printed. */
async function members(text: string): Promise<string> {
  return (await file(`class A { ${text} }`)).replace(/^\(class A (.*)\)$/, "$1")
}

/** The statements of one method, printed. */
async function body(text: string): Promise<string> {
  return (await members(`void f() { ${text} }`)).replace(/^\(func f\(\): void \{(.*)\}\)$/, "$1")
}

test("a package and its imports are named, a static import by its member", async () => {
  const text = `package a.b;
    import java.util.Random; import a.b.*; import static a.B.c; import static a.B.*;`
  expect(await file(text)).toBe(
    [
      "(package a.b)",
      "(import java.util.Random Random as Random)",
      "(import a.b * as *)",
      "(import a.B c as c)",
      "(import a.B * as *)",
    ].join("\n"),
  )
})

test("a class has its annotations, modifiers and the names of what it extends", async () => {
  const text = `@Service(value = "x", names = {"a", "b"}) @Foo("v") @Deprecated
    public abstract class A<T extends X> extends B<T> implements C, D.E<F> {}`
  expect(await file(text)).toBe(
    '(@Service(value="x" names=["a" "b"]) @Foo("v") @Deprecated public abstract class A < B, C, D.E)',
  )
})

test("each declarator is a field of its own with the annotations of all", async () => {
  expect(await members("@Id private static final long a = 30_000L, b[] = {1};")).toBe(
    "(field @Id private static final a: long = 30000) (field @Id private static final b: long[] = [1])",
  )
})

test("methods keep annotations, modifiers, parameters and result; abstract ones have no body", async () => {
  const text = `@Tx(timeout = 3) public synchronized <T> List<T> a(@Named("x") final int p, String... q) throws X {}
    abstract void b();`
  expect(await members(text)).toBe(
    '(@Tx(timeout=3) public synchronized func a(@Named("x") p: int, ...q: String): List<T> {}) ' +
      "(abstract func b(): void)",
  )
})

test("constructors are named so, and their calls of others are calls", async () => {
  expect(await members("A(int a) { super(a); } A() { this(1); } A(B b) { b.super(); }")).toBe(
    "(func constructor(a: int) {(call super a)}) (func constructor() {(call this 1)}) " +
      "(func constructor(b: B) {(call b.super)})",
  )
})

test("initialisers and nested classes are the rest of a class", async () => {
  expect(await members("static { f(); } { g(); } class B {}")).toBe(
    "{(call f)} {(call g)} (class B)",
  )
})

test("constants of an enum are fields that hold an instance", async () => {
  const text = "enum E implements I { A(1) { void x() { y(); } }, @Old B; int v; E(int v) {} }"
  expect(await file(text)).toBe(
    "(enum E < I (field A: E = (new E 1 (class < E (func x(): void {(call y)})))) (field @Old B: E) " +
      "(field v: int) (func constructor(v: int) {}))",
  )
})

test("components of a record are fields, and a compact constructor takes them", async () => {
  expect(await file("record R(@NotNull String a, int b) { R { check(a); } }")).toBe(
    "(record class R (field @NotNull private final a: String) (field private final b: int) " +
      "(func constructor(a: String, b: int) {(call check a)}))",
  )
})

test("interfaces have constants, default and abstract methods; annotation types have defaults", async () => {
  expect(
    await file("interface I extends J<K> { int X = 1; default void m() { n(); } void o(); }"),
  ).toBe(
    "(interface I < J (field X: int = 1) (default func m(): void {(call n)}) (func o(): void))",
  )
  expect(await file("@interface I { int value() default 1; }")).toBe(
    "(interface I (field value: int = 1))",
  )
})

test("an anonymous class is the body of the call that makes it", async () => {
  expect(await body("new Thread(new Runnable() { public void run() { go(); } }).start();")).toBe(
    "(call (new Thread (new Runnable (class < Runnable (public func run(): void {(call go)})))).start)",
  )
  expect(await body("outer.new Inner(1); new a.b.C<D>();")).toBe("(new outer.Inner 1) (new a.b.C)")
})

test("several declarators are several assignments; final is constant and var has no type", async () => {
  expect(await body("int a = 1, b[], c; final var d = 2;")).toBe(
    "(let a: int = 1) (let b: int[]) (let c: int) (const d = 2)",
  )
})

test("assignments and increments are assignments", async () => {
  expect(await body("x++; --x; x <<= 2; this.y = 3; a[1] = 2;")).toBe(
    "(set x += 1) (set x -= 1) (set x <<= 2) (set this.y = 3) (set a[1] = 2)",
  )
})

test("parentheses, casts and type arguments vanish", async () => {
  expect(await body("x = (Foo) (a); a.<T>b(1); y = (A & B) c;")).toBe(
    "(set x = a) (call a.b 1) (set y = c)",
  )
})

test("literals have their values", async () => {
  const text = `f(1_000L, 0xFFL, 0b11, 017, 1e3, .5f, 0x1p4, 10d, true, null, 'c', '\\n', "a\\n\\"\\u0041\\101");`
  expect(await body(text)).toBe(
    '(call f 1000 255 3 15 1000 0.5 16 10 true null "c" "\\n" "a\\n\\"AA")',
  )
})

test("a text block loses its indentation", async () => {
  const text = 's = """\n    select "a"\n      from b \\\n    where\n    """;'
  expect(await body(text)).toBe('(set s = "select \\"a\\"\\n  from b where\\n")')
})

test("concatenation stays binary", async () => {
  expect(await body('s = "a" + b + c();')).toBe('(set s = (+ (+ "a" b) (call c)))')
})

test("lambdas have the name of what they are bound to, and an expression is returned", async () => {
  const text = "R r = () -> run(); this.f = (A p) -> { return p; }; g((p, q) -> p, x -> x);"
  expect(await body(text)).toBe(
    "(let r: R = (lambda r() {(return:implicit (call run))})) (set this.f = (lambda f(p: A) {(return p)})) " +
      "(call g (lambda (p, q) {(return:implicit p)}) (lambda (x) {(return:implicit x)}))",
  )
})

test("method references and class literals are members", async () => {
  expect(
    await body("f(this::g, Foo::new, int[]::new, a.B::c, super::d, Foo<A>::e, Foo.class);"),
  ).toBe("(call f this.g Foo.new int.new a.B.c super.d Foo.e Foo.class)")
})

test("super and outer instances are members", async () => {
  expect(await body("super.f(); A.super.f(); A.this.f(); A.super.x = 1;")).toBe(
    "(call super.f) (call A.super.f) (call A.this.f) (set A.super.x = 1)",
  )
})

test("a pattern declares what it binds", async () => {
  expect(
    await body(
      "a = o instanceof F; b = o instanceof F f && f.x(); c = o instanceof P(var p, Q q);",
    ),
  ).toBe(
    "(set a = (instanceof o F)) (set b = (&& (instanceof o (let f: F)) (call f.x))) " +
      "(set c = (instanceof o (other:record_pattern P (let p) (let q: Q))))",
  )
})

test("an array is a list of what is given or an other of its sizes", async () => {
  expect(await body("f(new int[] {1, g()}, new byte[16][n()]); int[][] a = {{1}, {2}};")).toBe(
    "(call f [1 (call g)] (other:array_creation_expression 16 (call n))) (let a: int[][] = [[1] [2]])",
  )
})

test("a choice of two expressions is conditional", async () => {
  expect(await body("x = a ? b() : -c;")).toBe("(set x = (? a (call b) (- c)))")
})

test("branches are blocks, and else-if is one with an if", async () => {
  expect(await body("if (a) b(); else if (c) { d(); } else ;")).toBe(
    "(if a {(call b)} else {(if c {(call d)} else {})})",
  )
})

test("loops that always go on have no test", async () => {
  expect(
    await body("for (;;) { break; } while (true) f(); for (; true; ) ; do g(); while (true);"),
  ).toBe("(for {(break)}) (while {(call f)}) (for {}) (do {(call g)})")
})

test("loops have their parts; several initialisers are a block", async () => {
  const text = `for (int i = 0; i < n; i++) f(); for (a = 1, b = 2; ; a++, b--) {}
    while (!ok) continue; do { x(); } while (a > b);`
  expect(await body(text)).toBe(
    "(for init (let i: int = 0) test (< i n) update (set i += 1) {(call f)}) " +
      "(for init {(set a = 1) (set b = 2)} update {(set a += 1) (set b -= 1)} {}) " +
      "(while test (! ok) {(continue)}) (do test (> a b) {(call x)})",
  )
})

test("the enhanced for binds its variable, and a label is the loop's", async () => {
  expect(await body("outer: for (final String k : m.keys()) { break outer; } blk: { a(); }")).toBe(
    "(each label:outer k in (call m.keys) {(break outer)}) (other:labeled_statement {(call a)})",
  )
})

test("synchronized blocks and resources are `with`, inside a try where they catch", async () => {
  expect(await body("synchronized (lock) { q(); } try (C c = open(); d) { use(c); }")).toBe(
    "(with:synchronized lock {(call q)}) (with:resources ((call open) as c) d {(call use c)})",
  )
  expect(
    await body("try (var c = open()) { } catch (A | b.B e) { throw e; } finally { done(); }"),
  ).toBe(
    "(try {(with:resources ((call open) as c) {})} (catch A | b.B as e {(throw e)}) finally {(call done)})",
  )
})

test("try has its clauses", async () => {
  expect(await body("try { a(); } catch (final E e) { } finally { b(); }")).toBe(
    "(try {(call a)} (catch E as e {}) finally {(call b)})",
  )
})

test("switch statements and expressions have cases; labels before one body are one case", async () => {
  expect(await body("switch (x) { case 1: case 2: a(); break; case 3: default: b(); }")).toBe(
    "(switch x (case 1 2 {(call a) (break)}) (case {(call b)}))",
  )
  expect(
    await body(
      "int r = switch (k) { case A, B -> 1; case C -> { yield 2; } default -> throw e; };",
    ),
  ).toBe(
    "(let r: int = (switch k (case A B {1}) (case C {(other:yield_statement 2)}) (case {(throw e)})))",
  )
  expect(
    await body(
      "switch (o) { case F f when f.ok() -> a(); case P(Q q) -> b(); case null, default -> c(); }",
    ),
  ).toBe(
    "(switch o (case (&& (let f: F) (call f.ok)) {(call a)}) " +
      "(case (other:record_pattern P (let q: Q)) {(call b)}) (case {(call c)}))",
  )
})

test("asserts and local classes are kept", async () => {
  expect(await body("assert x > 1 : msg(); class L { void l() {} }")).toBe(
    "(other:assert_statement (> x 1) (call msg)) (class L (func l(): void {}))",
  )
})

test("an error marks the method around it and no other", async () => {
  const text = "class A { void f() { a(; } void g() { R r = () -> { c(; }; } void h() { d(); } }"
  const unit = await unitOf(text)
  expect(unit.errors).toBe(2)
  const broken: [string, boolean][] = []
  for (const node of unit.body) {
    walk(node, (one) => {
      if (one.kind === "function") broken.push([one.name, one.hasError ?? false])
    })
  }
  expect(broken).toEqual([
    ["f", true],
    ["g", true],
    ["r", false],
    ["h", false],
  ])
})

test("comments are spans", async () => {
  const text = "// one\nclass A { /* two */ int x; }"
  const { comments } = await unitOf(text)
  expect(comments.map((one) => text.slice(one.start, one.end))).toEqual(["// one", "/* two */"])
})

test("nodes say where they stand", async () => {
  const text = "class A { void f() { lock.tryLock(5, SECONDS); } }"
  const spans: [string, string][] = []
  for (const node of (await unitOf(text)).body) {
    walk(node, (one) => {
      if (one.kind === "call" || one.kind === "member")
        spans.push([one.kind, text.slice(one.start, one.end)])
    })
  }
  expect(spans).toEqual([
    ["call", "lock.tryLock(5, SECONDS)"],
    ["member", "lock.tryLock"],
  ])
})

const PIECES = [
  "class A {",
  "void f() {",
  "}",
  "(",
  ")",
  "f(",
  "new B()",
  "switch (x) {",
  "case 1:",
  "->",
  "try (",
  ";",
  "{",
  "@A",
  "enum E {",
  "for (",
  '"',
  '"""',
  "catch (E e) {",
  "x",
  ".",
  "::",
  "record R(",
  "\\",
  "=",
  "instanceof P(",
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
  "method_invocation",
  "object_creation_expression",
  "explicit_constructor_invocation",
])

function callsIn(node: Syntax): number {
  const below = node.children.reduce((sum, child) => sum + callsIn(child), 0)
  return CALLS.has(node.type) ? below + 1 : below
}

test("no call is lost, wherever it stands", async () => {
  const text = `@A(x = f()) class C extends D { int a = f(), b[] = {g()}; static { h(); }
    C() { this(i()); j().new K(l()) { int m = n(); }; }
    int o() { for (p(); q(); r()) s(t -> u(v())); assert w() : x(); L: { y(); }
      return switch (z()) { case A a when b() -> c(); default -> { yield d(new int[e()]); } }; }
    void f( { g(h()); } }`
  const root = await parseSyntax("java", text)
  let calls = 0
  for (const node of lowerJava(root, text).body) {
    walk(node, (one) => {
      if (one.kind === "call") calls++
    })
  }
  expect(calls).toBe(callsIn(root))
  expect(calls).toBeGreaterThan(25)
})
