import { visitorKeys, type Node } from "oxc-parser"

/**
 * Calls `visit` for each node, parents first, with the nodes above it, nearest first. A node for which it
 * returns false is not entered.
 */
export function walkAst(
  root: Node,
  visit: (node: Node, above: readonly Node[]) => boolean | void,
): void {
  walk(root, [], visit)
}

function walk(
  node: Node,
  above: readonly Node[],
  visit: (node: Node, above: readonly Node[]) => boolean | void,
): void {
  if (visit(node, above) === false) return
  for (const child of childrenOf(node)) walk(child, [node, ...above], visit)
}

/** The nodes directly below `node`, in the order of the text. */
export function childrenOf(node: Node): Node[] {
  const fields = node as unknown as Readonly<Record<string, unknown>>
  return (visitorKeys[node.type] ?? []).flatMap((key) => {
    const value = fields[key]
    return (Array.isArray(value) ? value : [value]).filter(isNode)
  })
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value
}
