/**
 * What a node hangs from. The link stands in the node itself: a table of all nodes of a file took more than half as much
 * memory as the nodes. A file sets the links of its tree when they are first
 * asked for (see analysis/program/file.ts).
 */
import type { Node } from "./nodes.ts"

/** The key of the link: no field of the form, so that nobody who lists fields comes upon it by a name that means something. */
export const PARENT_KEY = "^"

type Linked = Node & { [PARENT_KEY]?: Node | undefined }

/** The node that this one stands in; null for the first of a tree and for what was not linked yet. */
export function linkedParent(node: Node): Node | null {
  return (node as Linked)[PARENT_KEY] ?? null
}

export function linkParent(node: Node, parent: Node): void {
  ;(node as Linked)[PARENT_KEY] = parent
}
