/**
 * The parse tree as plain objects, read in one pass of a cursor: a frontend asks each node several things, and every
 * question to the parser's own nodes crosses into WebAssembly.
 */
import type { TreeCursor } from "web-tree-sitter"

/** Deeper than any code a person wrote, and far from what the stack holds. */
export const MAX_DEPTH = 500

export interface Syntax {
  /** The grammar's name for it; of an anonymous node its text ("if", "+"). */
  readonly type: string
  readonly isNamed: boolean
  /** The field that it fills in its parent, or null. */
  readonly field: string | null
  readonly start: number
  readonly end: number
  /** Made up by the parser to go on: it has no text. */
  readonly isMissing: boolean
  readonly children: readonly Syntax[]
}

/** Reads what is below a cursor that stands at a root; what lies deeper than MAX_DEPTH becomes an ERROR node. */
export function readSyntax(cursor: TreeCursor, depth = 0): Syntax {
  const children: Syntax[] = []
  const start = cursor.startIndex
  const end = cursor.endIndex
  const node: Syntax = {
    type: depth < MAX_DEPTH ? cursor.nodeType : "ERROR",
    isNamed: cursor.nodeIsNamed,
    field: cursor.currentFieldName,
    start,
    end,
    isMissing: start === end && cursor.nodeIsMissing,
    children,
  }
  if (depth < MAX_DEPTH && cursor.gotoFirstChild()) {
    do children.push(readSyntax(cursor, depth + 1))
    while (cursor.gotoNextSibling())
    cursor.gotoParent()
  }
  return node
}

/** The child that fills a field, or null. */
export function fieldOf(node: Syntax, field: string): Syntax | null {
  return node.children.find((child) => child.field === field) ?? null
}

export function fieldsOf(node: Syntax, field: string): Syntax[] {
  return node.children.filter((child) => child.field === field)
}

/** Named children without comments. */
export function namedOf(node: Syntax): Syntax[] {
  return node.children.filter((child) => child.isNamed && !/comment/.test(child.type))
}

/** Whether a node or anything below it was not understood. */
export function hasError(node: Syntax): boolean {
  return node.type === "ERROR" || node.isMissing || node.children.some(hasError)
}
