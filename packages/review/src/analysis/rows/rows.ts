/** Small parts of what is known of rows: columns and their values, and names that are compared without their spelling. */
import { walk } from "../../ir/children.ts"
import type { Node } from "../../ir/nodes.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"

/** As many steps as make it stay where it is. */
const FAR = 2

export interface RowCondition {
  /** Without case and underscores. */
  readonly column: string
  /** What it is compared with, as written. */
  readonly value: string
}

export interface RowSetting {
  /** Without case and underscores. */
  readonly column: string
  readonly value: Node | null
  /** As written, where the value is a constant that stands in another file. */
  readonly text?: string
  /** The record that the value is computed from, of the same column, within a function that was given it. */
  readonly computedFrom?: Node
  /** Made of what the column holds, in the database. */
  readonly isSelfReferential: boolean
}

/** Without case and underscores: `retry_count` and `retryCount` are one column. */
export function bare(name: string): string {
  return name.replaceAll(/["'`_\s]/g, "").toLowerCase()
}

/** A table's or a class's name as one word in the singular. */
export function singular(name: string): string {
  return bare(name.split(".").at(-1)!)
    .replace(/(?:repository|repo|model|dao|entity|table|mapper|collection|store)$/, "")
    .replace(/ies$/, "y")
    .replace(/(?:ses|xes)$/, (end) => end.slice(0, -2))
    .replace(/([^s])s$/, "$1")
}

/**
 * What a name may hold, one step back: objects that are filled before they are written.
 * @param isLocal - not what callers give for a parameter
 */
export function objectsOf(
  program: Program,
  file: File,
  node: Node,
  isLocal = false,
): (Node & { kind: "object" })[] {
  if (node.kind === "object") return [node]
  return definitionsOf(program, file, node, isLocal ? FAR : 0).flatMap((one) =>
    one.value?.kind === "object" ? [one.value] : [],
  )
}

/** Whether any node below one satisfies a question. */
export function someNode(root: Node, ask: (node: Node) => boolean): boolean {
  let found = false
  walk(root, (node) => {
    if (!found && ask(node)) found = true
    return !found
  })
  return found
}

/** A column of a row, however a language takes it out: `row.balance`, `row["balance"]`, `row.get("balance")`. */
export function fieldOf(node: Node): { readonly of: Node; readonly name: string } | null {
  if (node.kind === "member") return { of: node.object, name: node.name }
  if (node.kind === "index" && node.index.kind === "string")
    return { of: node.object, name: node.index.value }
  const [key] = node.kind === "call" ? node.args : []
  if (node.kind !== "call" || node.name !== "get" || key?.kind !== "string") return null
  return node.callee.kind === "member" ? { of: node.callee.object, name: key.value } : null
}
