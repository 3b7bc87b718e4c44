/** One source file with what rules ask of it again and again: parents, functions, calls. */
import { walk } from "../../ir/children.ts"
import { linkedParent, linkParent } from "../../ir/parents.ts"
import { NOTHING_KNOWN, type KnownNames } from "./known.ts"
import type {
  Assign,
  Binary,
  Call,
  Class,
  Func,
  If,
  Import,
  Language,
  Loop,
  Node,
  Obj,
  SourceUnit,
  Str,
  Template,
} from "../../ir/nodes.ts"

export class File {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly language: Language
  readonly text: string
  readonly unit: SourceUnit
  readonly isTest: boolean
  /** What the configuration says of functions by their names. */
  readonly known: KnownNames
  #index: Index | null = null
  #callsByName: ReadonlyMap<string, readonly Call[]> | null = null
  #functionsByName: ReadonlyMap<string, readonly Func[]> | null = null
  #imports: ReadonlyMap<string, Import> | null = null
  #assignmentsByName: ReadonlyMap<string, readonly Assign[]> | null = null

  constructor(options: {
    path: string
    language: Language
    text: string
    unit: SourceUnit
    isTest: boolean
    known?: KnownNames
  }) {
    this.path = options.path
    this.language = options.language
    this.text = options.text
    this.unit = options.unit
    this.isTest = options.isTest
    this.known = options.known ?? NOTHING_KNOWN
  }

  /** Every call, in the order of the text. */
  get calls(): readonly Call[] {
    return this.#indexed.calls
  }

  /** The calls of a last name, in the order of the text. */
  callsNamed(name: string): readonly Call[] {
    this.#callsByName ??= Map.groupBy(this.calls, (call) => call.name)
    return this.#callsByName.get(name) ?? []
  }

  /** Functions and methods of a name, as `functions` has them. */
  functionsNamed(name: string): readonly Func[] {
    this.#functionsByName ??= Map.groupBy(this.functions, (fn) => fn.name)
    return this.#functionsByName.get(name) ?? []
  }

  /** The first import that gives a name in this file, or undefined. */
  importOf(local: string): Import | undefined {
    this.#imports ??= new Map(this.unit.imports.toReversed().map((one) => [one.local, one]))
    return this.#imports.get(local)
  }

  /** A dotted name with Go's package `time` under its own name: `gotime.Sleep` of `import gotime "time"` is `time.Sleep`. */
  standardName(name: string): string {
    if (this.language !== "go") return name
    const dot = name.indexOf(".")
    const isAlias = dot > 0 && this.importOf(name.slice(0, dot))?.module === "time"
    return isAlias ? `time${name.slice(dot)}` : name
  }

  /** Every function, method and lambda with a body and without parse errors, in the order of the text. */
  get functions(): readonly Func[] {
    return this.#indexed.functions
  }

  /** Every declaration and assignment, in the order of the text. */
  get assignments(): readonly Assign[] {
    return this.#indexed.assignments
  }

  /** The assignments with a target of this name, `x` as well as `a.b.x`, in the order of the text. */
  assignmentsTo(name: string): readonly Assign[] {
    this.#assignmentsByName ??= byTargetName(this.assignments)
    return this.#assignmentsByName.get(name) ?? []
  }

  /** Every object, map and composite literal, in the order of the text. */
  get objects(): readonly Obj[] {
    return this.#indexed.objects
  }

  /** Every string, template and sum that stands in no other of them, in the order of the text. */
  get texts(): readonly Text[] {
    return this.#indexed.texts
  }

  get classes(): readonly Class[] {
    return this.#indexed.classes
  }

  /** Every branch and loop, in the order of the text. */
  get branches(): readonly (If | Loop)[] {
    return this.#indexed.branches
  }

  parentOf(node: Node): Node | null {
    this.#index ??= indexOf(this.unit)
    return linkedParent(node)
  }

  /** The parents of a node from the nearest outwards. */
  ancestorsOf(node: Node): IteratorObject<Node> {
    return new Ancestors(this.parentOf(node))
  }

  /** The nearest function around a node (a function is not its own), or null at top level. */
  functionOf(node: Node): Func | null {
    return this.#around(node, isFunction)
  }

  /** The nearest function around a node that is no lambda: the one that a reader would name. */
  methodOf(node: Node): Func | null {
    return this.#around(node, isMethod)
  }

  classOf(node: Node): Class | null {
    return this.#around(node, isClass)
  }

  /** The nearest of its parents that is asked for; in a loop of its own, because rules ask for thousands. */
  #around<Found extends Node>(node: Node, is: (outer: Node) => outer is Found): Found | null {
    let outer = this.parentOf(node)
    while (outer !== null && !is(outer)) outer = linkedParent(outer)
    return outer
  }

  /** The source text of a node. */
  textOf(at: { readonly start: number; readonly end: number }): string {
    return this.text.slice(at.start, at.end)
  }

  /** Found when somebody asks: most files are read and never looked into. */
  get #indexed(): Index {
    return (this.#index ??= indexOf(this.unit))
  }
}

/** Rules go up from thousands of nodes: it has one result, which it fills anew for each step. */
class Ancestors extends Iterator<Node> {
  readonly #step: { done: false; value: Node } = { done: false, value: null! }
  #outer: Node | null

  constructor(first: Node | null) {
    super()
    this.#outer = first
  }

  next(): IteratorResult<Node, undefined> {
    const outer = this.#outer
    if (outer === null) return END
    this.#outer = linkedParent(outer)
    this.#step.value = outer
    return this.#step
  }
}

const END: IteratorResult<Node, undefined> = { done: true, value: undefined }

const isFunction = (node: Node): node is Func => node.kind === "function"
const isMethod = (node: Node): node is Func => node.kind === "function" && !node.isLambda
const isClass = (node: Node): node is Class => node.kind === "class"

/** What may be put together to a text. */
type Text = Str | Template | Binary

function isText(node: Node): node is Text {
  return (
    node.kind === "string" ||
    node.kind === "template" ||
    (node.kind === "binary" && node.op === "+")
  )
}

interface Index {
  readonly calls: readonly Call[]
  readonly assignments: readonly Assign[]
  readonly objects: readonly Obj[]
  readonly functions: readonly Func[]
  readonly classes: readonly Class[]
  readonly branches: readonly (If | Loop)[]
  readonly texts: readonly Text[]
}

/** Links the nodes with their parents and lists the kinds that are asked for. */
function indexOf(unit: SourceUnit): Index {
  const calls: Call[] = []
  const assignments: Assign[] = []
  const objects: Obj[] = []
  const functions: Func[] = []
  const classes: Class[] = []
  const branches: (If | Loop)[] = []
  const texts: Text[] = []
  for (const root of unit.body) {
    walk(root, (node, parent) => {
      if (parent) linkParent(node, parent)
      if (node.kind === "call") calls.push(node)
      else if (node.kind === "assign") assignments.push(node)
      else if (node.kind === "object") objects.push(node)
      else if (node.kind === "class") classes.push(node)
      else if (isText(node)) {
        if (node.end > (texts.at(-1)?.end ?? -1)) texts.push(node)
      } else if (node.kind === "if" || node.kind === "loop") branches.push(node)
      else if (node.kind === "function" && node.body && !node.hasError) functions.push(node)
    })
  }
  return { calls, assignments, objects, functions, classes, branches, texts }
}

/** A file may be a megabyte of assignments: who looks for one name must not read them all. */
function byTargetName(assignments: readonly Assign[]): Map<string, Assign[]> {
  const byName = new Map<string, Assign[]>()
  const add = (name: string, assign: Assign): void => {
    const list = byName.get(name)
    if (!list) byName.set(name, [assign])
    else if (list.at(-1) !== assign) list.push(assign)
  }
  for (const assign of assignments) {
    for (const target of assign.targets)
      if (target.kind === "name" || target.kind === "member") add(target.name, assign)
  }
  // The tree's order is that of evaluation in a few places.
  for (const list of byName.values()) list.sort((a, b) => a.start - b.start)
  return byName
}
