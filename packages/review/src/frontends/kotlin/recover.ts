/**
 * Classes and functions that the parser gave up on: all that is left of them is a row of tokens and whole members in an
 * ERROR node. Put together again, a member keeps its class, and the statements of a broken function do not stand at the
 * top level.
 */
import type { Syntax } from "../syntax.ts"

/** The type of a function made from such a row; what it became is not to be trusted. */
export const RECOVERED_FUNCTION = "recovered_function"

/** Deeper than classes and functions are ever nested; more is no program. */
const MAX_NESTING = 20

/** Groups the children of an ERROR node. */
export function recover(nodes: readonly Syntax[], depth = 0): readonly Syntax[] {
  if (depth === MAX_NESTING) return nodes
  const at = nodes.findIndex((node, i) => isHead(node, nodes[i + 1]))
  const open = nodes.findIndex((node, i) => i > at && node.type === "{" && !node.isNamed)
  const head = nodes[at]
  if (at < 0 || !head) return nodes
  const isFunction = head.type === "fun"
  // Only `fun f() = …` has a body without a brace.
  const equals = nodes.findIndex((node, i) => i > at && node.type === "=" && !node.isNamed)
  const from = open < 0 && isFunction ? equals : open
  if (from < 0) return nodes
  const start =
    nodes[at - 1]?.type === "modifiers" || nodes[at - 1]?.type === "companion" ? at - 1 : at
  const end = closeOf(nodes, from)
  const before = nodes.slice(start, from).map((node, i) => named(node, i + start === at + 1))
  const signature = before.filter(isSignature)
  // What does not belong to a signature is kept as if it stood in the body.
  const inside = [
    ...before.filter((node) => !isSignature(node)),
    ...recover(nodes.slice(from + 1, end), depth + 1),
  ]
  const made = isFunction ? functionFrom(signature, inside) : classFrom(signature, inside)
  return [...nodes.slice(0, start), made, ...recover(nodes.slice(end + 1), depth + 1)]
}

const PARTS =
  /^(?:modifiers|identifier|primary_constructor|delegation_specifiers|function_value_parameters|.*_type)$/

function isSignature(node: Syntax): boolean {
  return !node.isNamed || PARTS.test(node.type)
}

const CLASSES = new Set(["class", "interface", "object"])

function isHead(node: Syntax, next: Syntax | undefined): boolean {
  if (node.isNamed) return false
  if (node.type === "object") return next !== undefined && /^(?:\{|:|identifier)$/.test(next.type)
  return (CLASSES.has(node.type) || node.type === "fun") && next?.type === "identifier"
}

function named(node: Syntax, isName: boolean): Syntax {
  return isName && node.type === "identifier" ? { ...node, field: "name" } : node
}

/** The brace that closes the one at `from`, or the end. */
function closeOf(nodes: readonly Syntax[], from: number): number {
  let depth = 0
  for (let i = from; i < nodes.length; i++) {
    const { type, isNamed } = nodes[i]!
    if (isNamed) continue
    if (type === "{") depth++
    else if (type === "}" && --depth <= 0) return i
  }
  return nodes.length
}

function classFrom(signature: readonly Syntax[], inside: readonly Syntax[]): Syntax {
  const body = group("class_body", inside, signature.at(-1)!.end)
  return group(classType(signature), [...signature, body], body.start)
}

function classType(signature: readonly Syntax[]): string {
  if (signature.some((node) => node.type === "companion")) return "companion_object"
  if (!signature.some((node) => node.type === "object" && !node.isNamed)) return "class_declaration"
  return signature.some((node) => node.field === "name") ? "object_declaration" : "object_literal"
}

function functionFrom(signature: readonly Syntax[], inside: readonly Syntax[]): Syntax {
  const block = group("block", inside, signature.at(-1)!.end)
  const body = group("function_body", [block], block.start)
  return group(RECOVERED_FUNCTION, [...signature, body], body.start)
}

/** A node around others; one without any stands at a place without width. */
function group(type: string, children: readonly Syntax[], at: number): Syntax {
  const start = children[0]?.start ?? at
  const end = children.at(-1)?.end ?? at
  return { type, isNamed: true, field: null, start, end, isMissing: false, children }
}
