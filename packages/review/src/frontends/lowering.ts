/**
 * What a table-driven frontend stands on: one function for each type of node of a grammar, and what they ask of each
 * other. The tables hold no reference to one another, so expressions, statements and declarations are separate files
 * although each contains the others.
 */
import type { Block, Class, Name, Node, Other } from "../ir/nodes.ts"
import type { Syntax } from "./syntax.ts"

/** Lowers one type of node; a declaration of several variables gives several, and what has no meaning gives none. */
export type Lower = (node: Syntax, to: Lowering) => Node | readonly Node[]

export type Table = Readonly<Record<string, Lower>>

export interface Grammar {
  readonly table: Table
  /** Types of functions with a name: where an error inside is counted. */
  readonly functions: ReadonlySet<string>
  /** Types whose text is a type: they have no nodes. */
  readonly types: ReadonlySet<string>
}

interface Span {
  readonly start: number
  readonly end: number
}

/** One run over one file. */
export class Lowering {
  readonly text: string
  readonly #table: ReadonlyMap<string, Lower>
  readonly #types: ReadonlySet<string>
  readonly #broken = new Set<Syntax>()
  /** Where comments stand, in the order of the text. */
  readonly comments: Span[] = []
  /** Nodes that the parser did not understand or made up. */
  errors = 0

  constructor(root: Syntax, text: string, grammar: Grammar) {
    this.text = text
    this.#table = tableOf(grammar)
    this.#types = grammar.types
    if (root.type === "ERROR") this.errors++
    this.#survey(root, null, grammar.functions)
  }

  textOf(node: Span): string {
    return this.text.slice(node.start, node.end)
  }

  /** Whether the parse tree of a function holds an error that no function with a name inside it holds. */
  isBroken(node: Syntax): boolean {
    return this.#broken.has(node)
  }

  /** Exactly one node, for a place that holds one. */
  lower(node: Syntax): Node {
    const lowered = this.#lower(node)
    if (!isList(lowered)) return lowered
    return lowered.length === 1 ? lowered[0]! : other(node, node.type, lowered)
  }

  /** The nodes of a row, for a place that holds any number. */
  many(nodes: readonly Syntax[]): Node[] {
    const all: Node[] = []
    for (const node of nodes) {
      const lowered = this.#lower(node)
      if (isList(lowered)) all.push(...lowered)
      else all.push(lowered)
    }
    return all
  }

  /** What is below a node. */
  inside(node: Syntax): Node[] {
    return this.many(named(node))
  }

  #lower(node: Syntax): Node | readonly Node[] {
    const lower = this.#table.get(node.type)
    if (lower) return lower(node, this)
    if (this.#types.has(node.type)) return []
    return other(node, node.type, this.inside(node))
  }

  /** One walk over all that is below a node. */
  #survey(node: Syntax, outer: Syntax | null, functions: ReadonlySet<string>): void {
    const fn = functions.has(node.type) ? node : outer
    for (const child of node.children) {
      if (isComment(child)) this.comments.push({ start: child.start, end: child.end })
      if (child.type === "ERROR" || child.isMissing) {
        this.errors++
        if (fn) this.#broken.add(fn)
      }
      if (child.children.length > 0) this.#survey(child, fn, functions)
    }
  }
}

const tables = new WeakMap<Grammar, ReadonlyMap<string, Lower>>()

/** A map, because names of node types come from the outside: an object would answer for `constructor` too. */
function tableOf(grammar: Grammar): ReadonlyMap<string, Lower> {
  let table = tables.get(grammar)
  if (!table) {
    table = new Map(Object.entries(grammar.table))
    tables.set(grammar, table)
  }
  return table
}

function isList(value: Node | readonly Node[]): value is readonly Node[] {
  return Array.isArray(value)
}

export function isComment(node: Syntax): boolean {
  return node.type === "comment" || node.type === "line_comment" || node.type === "block_comment"
}

/** Named children without comments and, in Python, without the marks that a line goes on. */
export function named(node: Syntax): Syntax[] {
  return node.children.filter(
    (child) => child.isNamed && !isComment(child) && child.type !== "line_continuation",
  )
}

export function childOf(node: Syntax, type: string): Syntax | null {
  return node.children.find((child) => child.type === type) ?? null
}

export function hasToken(node: Syntax, ...tokens: readonly string[]): boolean {
  return node.children.some((child) => !child.isNamed && tokens.includes(child.type))
}

// --- nodes -----------------------------------------------------------------------------------------------------

export function nameNode(at: Span, name: string): Name {
  return { kind: "name", name, start: at.start, end: at.end }
}

export function other(at: Span, type: string, children: readonly Node[]): Other {
  return { kind: "other", type, children, start: at.start, end: at.end }
}

export function block(at: Span, body: readonly Node[]): Block {
  return { kind: "block", body, start: at.start, end: at.end }
}

/** The last name of an expression that is called, "" where it has none. */
export function lastName(callee: Node): string {
  return callee.kind === "name" || callee.kind === "member" ? callee.name : ""
}

/** A lambda takes the name of what it is bound to. */
export function boundTo(name: string, value: Node): Node {
  if (value.kind !== "lambda" || value.fn.name !== "") return value
  return { ...value, fn: { ...value.fn, name } }
}

/** The members of a class body, sorted into what a Class has. */
export type Members = Pick<Class, "fields" | "methods" | "rest">
