import { expect, test } from "vitest"
import { functionsOf, lowered } from "../lowered.fixture.ts"
import { parseSource } from "../parse.ts"

/** The statements of a function, without the function. */
async function statements(code: string): Promise<string> {
  const text = await lowered("a.go", `package p\nfunc f() {\n${code}\n}\n`)
  return text.replace("(package p)\n(func f() {", "").replace(/\}\)$/, "")
}

async function declarations(code: string): Promise<string> {
  const text = await lowered("a.go", `package p\n${code}\n`)
  return text.replace("(package p)\n", "")
}

test("an import has the alias, the last part of its path without a version, a dot or a blank", async () => {
  const text = await declarations(
    `import (
      "fmt"
      m "math/rand"
      "math/rand/v2"
      "gopkg.in/yaml.v3"
      . "strings"
      _ "embed"
    )`,
  )
  expect(text.split("\n")).toEqual([
    "(import fmt * as fmt)",
    "(import math/rand * as m)",
    "(import math/rand/v2 * as rand)",
    "(import gopkg.in/yaml.v3 * as yaml)",
    "(import strings * as .)",
    "(import embed * as _)",
  ])
})

test("a path whose last part is no name is called by the part that the file uses", async () => {
  const text = await declarations(
    'import "github.com/redis/go-redis/v9"\nimport "a/kafka-go"\nvar c = redis.NewClient()',
  )
  expect(text).toContain("(import github.com/redis/go-redis/v9 * as redis)")
  expect(text).toContain("(import a/kafka-go * as kafka)")
})

test("a function has parameters by name, its result as written and no body where it has none", async () => {
  expect(
    await declarations(
      "func f(ctx context.Context, a, b int, rest ...string) (n int, err error) {}",
    ),
  ).toBe("(func f(ctx: context.Context, a: int, b: int, ...rest: string): (n int, err error) {})")
  expect(await declarations("func external(int, string)")).toBe("(func external(: int, : string))")
})

test("a receiver has its name and its type without pointer and type parameters", async () => {
  expect(await declarations("func (s *Store[K, V]) Get(k K) V { return s.m[k] }")).toBe(
    "(func <s Store> Get(k: K): V {(return s.m[k])})",
  )
  expect(await declarations("func (Store) Close() {}")).toBe("(func < Store> Close() {})")
})

test("a struct has fields with their tags, and what it embeds are bases", async () => {
  expect(
    await declarations(
      'type S struct { sync.Mutex; *Base[T]; a, b int `json:"a"`; do func() error }',
    ),
  ).toBe(
    '(struct S < sync.Mutex, Base (field @tag("json:\\"a\\"") a: int) (field @tag("json:\\"a\\"") b: int) (field do: func() error))',
  )
})

test("methods of an interface are functions without a body, and unions are kept aside", async () => {
  expect(
    await declarations("type I interface { io.Reader; Do(a int) error; ~int | ~string }"),
  ).toBe(
    "(interface I < io.Reader (func Do(a: int): error) (other:type_elem (other:negated_type int) (other:negated_type string)))",
  )
})

test("another type is a node with its name", async () => {
  expect(await declarations("type State int\ntype Alias = string")).toBe(
    "(other:type_spec State int)\n(other:type_alias Alias string)",
  )
})

test("constants and variables of a block are declarations one by one", async () => {
  expect(
    await declarations("const ( A = iota; B; C, D int = 1, 2 )\nvar ( x int; y, z = f() )"),
  ).toBe(
    [
      "(const A = iota)",
      "(const B)",
      "(const C, D: int = [1 2])",
      "(let x: int)",
      "(let y, z = (call f))",
    ].join("\n"),
  )
})

test("assignments have all their targets, and several values are a list", async () => {
  expect(await statements("a, err := f()\na, b = b, a\nx += 2\nx.n++\ny--\n*p = 1")).toBe(
    "(let a, err = (call f)) (set a, b = [b a]) (set x += 2) (set x.n += 1) (set y -= 1) (set (* p) = 1)",
  )
})

test("numbers are read in every base", async () => {
  expect(await statements("f(0x1F, 0b11, 0o17, 017, 1_000, 1e3, 0x1p-2, 0x1.8p1, 1.5)")).toBe(
    "(call f 31 3 15 15 1000 1000 0.25 3 1.5)",
  )
})

test("strings have their escapes resolved, raw ones have none", async () => {
  expect(await statements("f(\"a\\n\\\"\\u00e9\\x41\\101\", `a\\n`, 'x', '\\n')")).toBe(
    '(call f "a\\n\\"éAA" "a\\\\n" "x" "\\n")',
  )
})

test("a composite literal has its type, and fields are keys", async () => {
  expect(
    await statements("c := &http.Client{Timeout: 10 * time.Millisecond}\nd := pkg.Set[int]{}"),
  ).toBe(
    '(let c = (& (object http.Client "Timeout": (* 10 time.Millisecond)))) (let d = (object pkg.Set))',
  )
})

test("a row is a list, and literals in it take the type that they leave out", async () => {
  expect(
    await statements(
      "a := []T{{A: 1}, {2}}\nb := []*T{{}}\nc := map[K][]V{k: {{1}}}\nd := [...]int{1}",
    ),
  ).toBe(
    [
      '(let a = [(object T "A": 1) (object T 2)])',
      "(let b = [(object T)])",
      "(let c = (object map[K][]V [k]: [(object V 1)]))",
      "(let d = [1])",
    ].join(" "),
  )
})

test("in a map a name is a value and a string is a key", async () => {
  expect(await statements('m := map[string]int{"a": 1, k: 2, f(): 3}')).toBe(
    '(let m = (object map[string]int "a": 1 [k]: 2 [(call f)]: 3))',
  )
})

test("a function literal takes the name of what it is bound to", async () => {
  expect(
    await statements(
      "f := func(a int) { g() }\ns.on = func() {}\nm := T{do: func() {}}\na, b := func() {}, 1",
    ),
  ).toBe(
    [
      "(let f = (lambda f(a: int) {(call g)}))",
      "(set s.on = (lambda on() {}))",
      '(let m = (object T "do": (lambda do() {})))',
      "(let a, b = [(lambda a() {}) 1])",
    ].join(" "),
  )
})

test("parentheses and type assertions vanish", async () => {
  expect(await statements("x := (a.(T)).b\nv, ok := y.(pkg.T)")).toBe(
    "(let x = a.b) (let v, ok = y)",
  )
})

test("a conversion is a call of the type", async () => {
  expect(await statements('a := time.Duration(n)\nb := []byte("x")\nc := (*T)(p)')).toBe(
    '(let a = (call time.Duration n)) (let b = (call (other:slice_type byte) "x")) (let c = (call (* T) p))',
  )
})

test("type arguments vanish from a call, but a call of an entry keeps its index", async () => {
  expect(
    await statements(
      "f[int](x)\npkg.F[Args](x)\nf[int, string](x, y)\ng[int]()\nhandlers[kind](x)\nm[f()](k)",
    ),
  ).toBe(
    "(call f x) (call pkg.F x) (call f x y) (call g) (call handlers[kind] x) (call m[(call f)] k)",
  )
})

test("what is made keeps the sort of its type", async () => {
  expect(
    await statements(
      "c := make(chan int, 1)\nm := make(map[string]T)\ns := make([]int, 0, n)\np := new(T)",
    ),
  ).toBe(
    [
      "(let c = (call make (other:channel_type int) 1))",
      "(let m = (call make (other:map_type string T)))",
      "(let s = (call make (other:slice_type int) 0 n))",
      "(let p = (call new T))",
    ].join(" "),
  )
})

test("a slice has a list of what was given, and a spread argument is one", async () => {
  expect(await statements("a := b[1:2]\nc := d[:]\nf(xs...)")).toBe(
    "(let a = b[[1 2]]) (let c = d[[]]) (call f ...xs)",
  )
})

test("an if keeps what stands before its test, and else-if is a block with an if", async () => {
  expect(
    await statements("if err := f(); err != nil { return err } else if ok { a() } else { b() }"),
  ).toBe(
    "(if init (let err = (call f)) (!= err null) {(return err)} else {(if ok {(call a)} else {(call b)})})",
  )
})

test("every form of for is a loop, and an endless one has no test", async () => {
  expect(
    await statements("for {}\nfor true {}\nfor x < 3 {}\nfor i := 0; i < 10; i++ {}\nfor ; ; {}"),
  ).toBe(
    "(for {}) (while {}) (while test (< x 3) {}) (for init (let i = 0) test (< i 10) update (set i += 1) {}) (for {})",
  )
})

test("range binds what it names, over anything", async () => {
  expect(
    await statements(
      "for k, v := range m {}\nfor range 10 {}\nfor i = range seq {}\nfor range f() {}",
    ),
  ).toBe("(each k, v in m {}) (each in 10 {}) (each i in seq {}) (each in (call f) {})")
})

test("a label stays with its loop, and before anything else it is a node of its own", async () => {
  expect(await statements("L: for { break L; continue L }\ngoto end\nend: f()")).toBe(
    "(for label:L {(break L) (continue L)}) (other:goto_statement end) (other:labeled_statement end) (call f)",
  )
})

test("what a goto leads back to is a loop that its end leaves", async () => {
  expect(await statements("again: f()\nif x { goto again }\ng()")).toBe(
    "(for label:again {(call f) (if x {(continue again)}) (break)}) (call g)",
  )
  expect(await statements("again:\nf()\ngoto again")).toBe(
    "(for label:again {(call f) (continue again)})",
  )
})

test("a goto to a label whose statements leave a loop around them stays one", async () => {
  expect(await statements("for {\nagain: f()\nif x { break }\ngoto again\n}")).toBe(
    "(for {(other:labeled_statement again) (call f) (if x {(break)}) (other:goto_statement again)})",
  )
})

test("a switch has tests and bodies, and what stands before its subject comes first", async () => {
  expect(
    await statements(
      "switch a := v; a { case 1, 2: f(); fallthrough; default: g() }\nswitch { case x > 1: }",
    ),
  ).toBe(
    "(let a = v) (switch a (case 1 2 {(call f) (other:fallthrough_statement)}) (case {(call g)})) (switch _ (case (> x 1) {}))",
  )
})

test("a type switch asks for types, and its variable is declared by its subject", async () => {
  expect(
    await statements(
      "switch t := x.(type) { case nil: case int, *pkg.T: f(t) }\nswitch x.(type) { default: }",
    ),
  ).toBe(
    "(switch (let t = x) (case null {}) (case int (other:pointer_type pkg.T) {(call f t)})) (switch x (case {}))",
  )
})

test("a select waits for receives, assignments of them, sends, or nothing", async () => {
  expect(
    await statements(
      "select { case v, ok := <-ch: f(v)\ncase err = <-e:\ncase <-ctx.Done(): return\ncase ch <- 1:\ndefault: }",
    ),
  ).toBe(
    "(select (case (let v, ok = (<- ch)) {(call f v)}) (case (set err = (<- e)) {}) (case (<- (call ctx.Done)) {(return)}) (case (send ch 1) {}) (case {}))",
  )
})

test("go and defer hold their call, also of a function literal", async () => {
  expect(
    await statements("go func() { x() }()\ndefer mu.Unlock()\ndefer func() { recover() }()"),
  ).toBe(
    "(go (call (lambda () {(call x)}))) (defer (call mu.Unlock)) (defer (call (lambda () {(call recover)})))",
  )
})

test("a return has null, its value or a list", async () => {
  expect(await statements("return\nreturn x\nreturn nil, err")).toBe(
    "(return) (return x) (return [null err])",
  )
})

test("a receive and a send are told apart", async () => {
  expect(await statements("<-ch\nch <- f()\nx := <-ch")).toBe(
    "(<- ch) (send ch (call f)) (let x = (<- ch))",
  )
})

test("types and constants inside a function are declared there", async () => {
  expect(await statements("type T struct{ a int }\nconst c = 2\nvar q int = 3\n{ f() }")).toBe(
    "(struct T (field a: int)) (const c = 2) (let q: int = 3) {(call f)}",
  )
})

test("a function with an error is marked, and the others stand", async () => {
  const unit = await parseSource("a.go", "package p\nfunc a() { y(1 2) }\nfunc b() { z() }\n")
  expect(unit.errors).toBe(1)
  expect(functionsOf(unit).map((fn) => [fn.name, fn.hasError ?? false])).toEqual([
    ["a", true],
    ["b", false],
  ])
})

test("an error in a function literal counts for it and for the function around it", async () => {
  const unit = await parseSource(
    "a.go",
    "package p\nfunc a() { go func() { y(1 2) }() }\nfunc b() {}\n",
  )
  expect(functionsOf(unit).map((fn) => [fn.name, fn.hasError ?? false])).toEqual([
    ["a", true],
    ["", true],
    ["b", false],
  ])
})

test("offsets count UTF-16 code units", async () => {
  const text = 'package p\n// 🚀 é\nvar a = "🚀🚀"\nfunc späť() { f() }\n'
  const unit = await parseSource("a.go", text)
  const [comment] = unit.comments
  expect(text.slice(comment!.start, comment!.end)).toBe("// 🚀 é")
  const [fn] = functionsOf(unit)
  expect(text.slice(fn!.nameStart, fn!.nameStart + 4)).toBe("späť")
  expect(text.slice(fn!.start, fn!.end)).toBe("func späť() { f() }")
  const call = fn!.body!.body[0]!
  expect(text.slice(call.start, call.end)).toBe("f()")
})

test("comments are spans of the unit and nothing else", async () => {
  const text = "package p\n/* a */\nfunc f( /* b */ ) { g( // c\n) }\n"
  const unit = await parseSource("a.go", text)
  expect(unit.comments.map((one) => text.slice(one.start, one.end))).toEqual([
    "/* a */",
    "/* b */",
    "// c",
  ])
  expect(await lowered("a.go", text)).toBe("(package p)\n(func f() {(call g)})")
})
