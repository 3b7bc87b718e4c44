/** What every part of the lowering is handed: the text, what was gathered so far, and the way into the other parts. */
import type { Annotation, Block, Import, Lambda, Name, Node } from "../../ir/nodes.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import type { ErrorMarks } from "./errors.ts"

/** What a function or a class is bound to: `x` of `const x = () => {}`, of `{ x() {} }`, of `exports.x = …`. */
export interface Binding {
  readonly name: string
  readonly nameStart: number
  readonly modifiers?: readonly string[]
  readonly annotations?: readonly Annotation[]
  /** A field of a class: its function is a method in all but form. */
  readonly isField?: boolean
}

/**
 * The parts call each other through it, since expressions hold statements and statements hold expressions.
 * @see lower.ts, which puts it together
 */
export interface Context {
  readonly text: string
  readonly imports: Import[]
  readonly errors: ErrorMarks
  /** Functions around the place that is being lowered. */
  depth: number
  /** An expression; anything else is `other` with what is lowered below it. */
  expression(node: Syntax, binding?: Binding): Node
  /** A statement or a declaration, which may be none or several. */
  statement(node: Syntax): Node[]
  /** Statements in a row that end at an offset. */
  statements(nodes: readonly Syntax[], end: number): Node[]
  /** A block, also of a single statement. */
  block(node: Syntax): Block
}

export function textOf(ctx: Context, node: Syntax): string {
  return ctx.text.slice(node.start, node.end)
}

export function nameOf(ctx: Context, node: Syntax): Name {
  return { kind: "name", name: textOf(ctx, node), start: node.start, end: node.end }
}

/** The text of a `: type`, without the colon; null without one. */
export function typeOf(ctx: Context, node: Syntax | null): string | null {
  if (!node) return null
  const text = textOf(ctx, node)
  return text.startsWith(":") ? text.slice(1).trim() : text
}

/** The declared type of a parameter, a field or a variable. */
export function declaredType(ctx: Context, node: Syntax): string | null {
  return typeOf(ctx, fieldOf(node, "type"))
}

const MODIFIERS = new Set([
  "static",
  "get",
  "set",
  "readonly",
  "abstract",
  "declare",
  "accessor",
  "const",
  "accessibility_modifier",
  "override_modifier",
])

/** `static`, `private`, `readonly` … before the name of a member, as written. `async` and `*` are told otherwise. */
export function modifiersOf(ctx: Context, node: Syntax): string[] {
  const found: string[] = []
  for (const child of node.children) {
    if (child.field === "name" || child.field === "property" || child.field === "pattern") break
    if (MODIFIERS.has(child.type)) found.push(textOf(ctx, child))
  }
  return found
}

export function hasToken(node: Syntax, token: string): boolean {
  return node.children.some((child) => !child.isNamed && child.type === token)
}

/** The function of a lambda, or what else stands there. */
export function isLambda(node: Node | null): node is Lambda {
  return node?.kind === "lambda"
}
