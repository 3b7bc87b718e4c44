/** The parts of a node, lowered, where a broken tree may lack them. */
import type { Block, Node } from "../ir/nodes.ts"
import { block, other, type Lowering } from "./lowering.ts"
import type { Syntax } from "./syntax.ts"

/** What fills a field; `other` of type `missing` where nothing does. */
export function partOf(node: Syntax, field: string, to: Lowering): Node {
  const child = node.children.find((one) => one.field === field && one.isNamed)
  return child ? to.lower(child) : other(node, "missing", [])
}

/** The one thing that stands in a node: in parentheses, behind `await`. */
export function onlyPart(node: Syntax, to: Lowering): Node {
  const inside = to.inside(node)
  return inside.length === 1 ? inside[0]! : other(node, node.type, inside)
}

/** A body, empty at the end of what lacks it. */
export function bodyOf(node: Syntax | null, around: Syntax, to: Lowering): Block {
  return node ? block(node, to.inside(node)) : block({ start: around.end, end: around.end }, [])
}

/** One of a row as it is, several as a list. */
export function rowOf(at: Syntax, row: readonly Syntax[], to: Lowering): Node {
  const items = to.many(row)
  if (items.length === 1) return items[0]!
  return {
    kind: "list",
    items,
    start: row[0]?.start ?? at.start,
    end: row.at(-1)?.end ?? at.end,
  }
}
