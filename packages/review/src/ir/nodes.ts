/**
 * The intermediate form: one small tree for Go, Python, JavaScript, TypeScript, Java and Kotlin. A frontend lowers a
 * parse tree into it; everything after that speaks of calls, loops and waits and never of a grammar.
 *
 * Rules of lowering, the same for every language:
 * - Parentheses, casts, non-null marks and type arguments vanish; what they held stands in their place.
 * - An expression statement is its expression. A body is always a block, also of an arrow function (`return` with
 *   `implicit`) and of an `if` without braces.
 * - What has no kind of its own becomes `other` with its lowered children, so that a call is never lost.
 * - `start` and `end` are offsets in the file's text (UTF-16 code units), end exclusive.
 * - A function whose parse tree holds an error has `hasError`; rules leave it alone, and the rest of the file stands.
 */

export type Language = "go" | "python" | "javascript" | "typescript" | "java" | "kotlin" | "sql"

export interface At {
  readonly start: number
  readonly end: number
}

// --- expressions -----------------------------------------------------------------------------------------------

export interface Name extends At {
  readonly kind: "name"
  /** As written. `this`, `self` and `super` are names too. */
  readonly name: string
}

/** `object.name`, `object?.name`; in Go also `package.Name`. A private `#name` keeps its `#`. */
export interface Member extends At {
  readonly kind: "member"
  readonly object: Node
  readonly name: string
}

/** `object[index]`; a slice `a[1:2]` has a list of what was given. */
export interface Index extends At {
  readonly kind: "index"
  readonly object: Node
  readonly index: Node
}

/** A call, a constructor (`new Foo()`, `isNew`), a tagged template (`sql\`…\``, one template argument, `isTagged`). */
export interface Call extends At {
  readonly kind: "call"
  readonly callee: Node
  /** The last name of the callee: `Sleep` of `time.Sleep(…)`, `Foo` of `new a.Foo()`; "" where it has none. */
  readonly name: string
  /** In order; named ones are `named`, `...xs` is `spread`. Kotlin's trailing lambda is the last one. */
  readonly args: readonly Node[]
  readonly isNew?: boolean
  readonly isTagged?: boolean
  /** Java's and Kotlin's anonymous class: `new Runnable() { … }`, `object : Runnable { … }`. */
  readonly body?: Class
}

export interface Named extends At {
  readonly kind: "named"
  readonly name: string
  readonly value: Node
}

export interface Spread extends At {
  readonly kind: "spread"
  readonly value: Node
}

/** A string without holes, its escapes resolved. Adjacent literals (Python) are one. */
export interface Str extends At {
  readonly kind: "string"
  readonly value: string
}

/** A string with holes: template literal, f-string, Kotlin `"$x"`. Concatenation stays `binary` (see analysis/text). */
export interface Template extends At {
  readonly kind: "template"
  /** Texts and holes in order; texts are `string` nodes. */
  readonly parts: readonly Node[]
}

export interface Num extends At {
  readonly kind: "number"
  readonly value: number
}

export interface Bool extends At {
  readonly kind: "bool"
  readonly value: boolean
}

/** `null`, `nil`, `None`, `undefined`. */
export interface Null extends At {
  readonly kind: "null"
}

/** Arithmetic, comparison, logic, `??`, Kotlin's `?:` (as `??`), Python's `and`/`or` (as `&&`/`||`), `in`, `instanceof`. */
export interface Binary extends At {
  readonly kind: "binary"
  readonly op: string
  readonly left: Node
  readonly right: Node
}

/** `!` (also Python's `not`), `-`, `&`, `*`, `typeof` …; increments are `assign`. */
export interface Unary extends At {
  readonly kind: "unary"
  readonly op: string
  readonly operand: Node
}

/**
 * A declaration or an assignment, wherever it stands. `x++` is `x += 1`. `a, err := f()` and `const { a, b } = f()`
 * have several targets and one value; `a, b = 1, 2` has a list as value. A declaration without value has null.
 */
export interface Assign extends At {
  readonly kind: "assign"
  /** `=`, `+=`, `-=`, `*=`, `??=` … (`:=` is `=` with `declares`). */
  readonly op: string
  readonly declares: boolean
  readonly targets: readonly Node[]
  readonly value: Node | null
  /** The declared type as written, without which it is null. */
  readonly type: string | null
  /** `const`, `final`, `val`; Go's `const`. */
  readonly isConst?: boolean
}

export interface Lambda extends At {
  readonly kind: "lambda"
  readonly fn: Func
}

export interface Entry {
  /** The key where it is a plain name or a string; null for computed keys and spreads. */
  readonly key: string | null
  readonly keyNode: Node | null
  readonly value: Node
}

/** Object and map literals; Go's composite literal with `type` ("http.Client"); Python's dict. */
export interface Obj extends At {
  readonly kind: "object"
  readonly type: string | null
  readonly entries: readonly Entry[]
}

/** Array, list, tuple and set literals; Go's slice literals; comprehensions are `other`. */
export interface List extends At {
  readonly kind: "list"
  readonly items: readonly Node[]
}

export interface Await extends At {
  readonly kind: "await"
  readonly value: Node
}

/** `a ? b : c`, Python's `b if a else c`, Kotlin's `if` as an expression with plain branches. */
export interface Conditional extends At {
  readonly kind: "conditional"
  readonly test: Node
  readonly then: Node
  readonly otherwise: Node
}

/** Go's `<-channel`. */
export interface Receive extends At {
  readonly kind: "receive"
  readonly channel: Node
}

export interface Other extends At {
  readonly kind: "other"
  /** The grammar's name for it. */
  readonly type: string
  readonly children: readonly Node[]
}

// --- statements ------------------------------------------------------------------------------------------------

export interface Block extends At {
  readonly kind: "block"
  readonly body: readonly Node[]
}

export interface If extends At {
  readonly kind: "if"
  /** Go's `if x := f(); …`. */
  readonly init: Node | null
  readonly test: Node
  readonly then: Block
  /** `else if` is a block with one `if`. */
  readonly otherwise: Block | null
}

/** Every loop. `for` without a test and `while (true)` have `test: null`. */
export interface Loop extends At {
  readonly kind: "loop"
  readonly form: "for" | "while" | "do" | "each"
  readonly init: Node | null
  readonly test: Node | null
  readonly update: Node | null
  /** What `each` binds, and what it goes over (Go's `range`, `for … of`, `for … in`). */
  readonly bindings: readonly Node[]
  readonly iterable: Node | null
  readonly body: Block
  readonly isAsync?: boolean
  readonly label?: string
}

export interface SwitchCase extends At {
  /** Empty for the default. */
  readonly tests: readonly Node[]
  readonly body: Block
}

/** `switch`, Python's `match`, Kotlin's `when` (also as an expression). Without a subject it is null. */
export interface Switch extends At {
  readonly kind: "switch"
  readonly subject: Node | null
  readonly cases: readonly SwitchCase[]
}

export interface SelectCase extends At {
  /** A `receive`, an `assign` of one, or a `send`; null for `default`. */
  readonly comm: Node | null
  readonly body: Block
}

/** Go's `select`. */
export interface Select extends At {
  readonly kind: "select"
  readonly cases: readonly SelectCase[]
}

export interface Catch extends At {
  /** As written; empty where everything is caught (`except:`, JavaScript). */
  readonly types: readonly string[]
  readonly binding: string | null
  readonly body: Block
}

export interface Try extends At {
  readonly kind: "try"
  readonly body: Block
  readonly catches: readonly Catch[]
  /** Python's `else`. */
  readonly otherwise: Block | null
  readonly finalizer: Block | null
}

export interface Return extends At {
  readonly kind: "return"
  /** Several values (Go) are a list. */
  readonly value: Node | null
  /** The value of an arrow function or of Kotlin's `= expression`. */
  readonly implicit?: boolean
}

export interface Throw extends At {
  readonly kind: "throw"
  /** Python's bare `raise` has null. */
  readonly value: Node | null
  /** Python's `raise X from cause`. */
  readonly cause?: Node
}

export interface Jump extends At {
  readonly kind: "break" | "continue"
  readonly label: string | null
}

export interface Resource extends At {
  readonly value: Node
  readonly binding: Node | null
}

/** Python's `with`, Java's `synchronized (lock)` and try-with-resources (inside a `try` where it catches too). */
export interface With extends At {
  readonly kind: "with"
  readonly form: "with" | "synchronized" | "resources"
  readonly resources: readonly Resource[]
  readonly body: Block
  readonly isAsync?: boolean
}

/** Go's `go f()` and `defer f()`. */
export interface Deferred extends At {
  readonly kind: "go" | "defer"
  readonly call: Node
}

/** Go's `channel <- value`. */
export interface Send extends At {
  readonly kind: "send"
  readonly channel: Node
  readonly value: Node
}

// --- declarations ----------------------------------------------------------------------------------------------

export interface Annotation extends At {
  /** Without `@`, as written: `Transactional`, `app.task`. */
  readonly name: string
  readonly args: readonly Node[]
}

export interface Param extends At {
  /** "" where it is destructured; then `names` has what it binds. */
  readonly name: string
  readonly names?: readonly string[]
  readonly type: string | null
  readonly value: Node | null
  readonly annotations?: readonly Annotation[]
  readonly isRest?: boolean
}

/** Functions, methods, constructors (named `constructor`), lambdas. */
export interface Func extends At {
  readonly kind: "function"
  /** Of a lambda: the variable, property or key it is bound to, else "". */
  readonly name: string
  /** Where the name stands; of a lambda, its start. */
  readonly nameStart: number
  readonly params: readonly Param[]
  readonly result: string | null
  /** Null for abstract and interface methods. */
  readonly body: Block | null
  /** JavaScript's and Python's `async`, Kotlin's `suspend`. */
  readonly isAsync: boolean
  readonly isGenerator?: boolean
  readonly isLambda?: boolean
  /** Go: the receiver's name and its type without `*` and type parameters. Kotlin: the extended type. */
  readonly receiver: { readonly name: string; readonly type: string } | null
  readonly annotations: readonly Annotation[]
  /** `static`, `private`, `synchronized`, `export`, `override` … as written. */
  readonly modifiers: readonly string[]
  readonly hasError?: boolean
}

export interface Field extends At {
  readonly name: string
  readonly type: string | null
  readonly value: Node | null
  readonly annotations: readonly Annotation[]
  readonly modifiers: readonly string[]
}

/** Classes, interfaces, structs, enums, objects. Go's methods stand beside their struct, not in it. */
export interface Class extends At {
  readonly kind: "class"
  readonly form: "class" | "interface" | "struct" | "enum" | "object"
  readonly name: string
  readonly nameStart: number
  /** Names of what it extends, implements or embeds, without type arguments. */
  readonly bases: readonly string[]
  /** With a parameter property of a constructor (TypeScript, Kotlin). */
  readonly fields: readonly Field[]
  readonly methods: readonly Func[]
  /** Nested classes, initialiser blocks, and statements of a Python class body. */
  readonly rest: readonly Node[]
  readonly annotations: readonly Annotation[]
  readonly modifiers: readonly string[]
}

export interface Import extends At {
  /** As written: `math/rand/v2`, `./lib.js`, `java.util.Random`, `..db`. */
  readonly module: string
  /** The imported name; "*" for the module itself or all of it, "default" for a default import. */
  readonly name: string
  /** The name that it has in this file. */
  readonly local: string
}

export interface SourceUnit {
  readonly language: Language
  /** Go's and Java's and Kotlin's package, else null. */
  readonly package: string | null
  readonly imports: readonly Import[]
  /** Top level, in order: functions, classes, assignments, other statements. */
  readonly body: readonly Node[]
  readonly comments: readonly At[]
  /** Parse errors in the tree. */
  readonly errors: number
}

export type Node =
  | Name
  | Member
  | Index
  | Call
  | Named
  | Spread
  | Str
  | Template
  | Num
  | Bool
  | Null
  | Binary
  | Unary
  | Assign
  | Lambda
  | Obj
  | List
  | Await
  | Conditional
  | Receive
  | Other
  | Block
  | If
  | Loop
  | Switch
  | Select
  | Try
  | Return
  | Throw
  | Jump
  | With
  | Deferred
  | Send
  | Func
  | Class
