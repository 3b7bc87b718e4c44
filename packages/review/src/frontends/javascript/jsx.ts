/** JSX: an element is `other` with the expressions within it, of its attributes first. Its texts are not code. */
import type { Node, Other } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { type Context, textOf } from "./context.ts"

/** A whole element, or one that closes itself. */
export function jsxOf(ctx: Context, node: Syntax): Other {
  const { type, start, end } = node
  const children: Node[] = []
  const opening = fieldOf(node, "open_tag")
  if (opening) children.push(...attributesOf(ctx, opening))
  else children.push(...attributesOf(ctx, node))
  for (const child of namedOf(node)) {
    if (child.field === null && !SILENT.has(child.type)) children.push(...heldBy(ctx, child))
  }
  return { kind: "other", type, children, start, end }
}

const SILENT = new Set(["jsx_text", "html_character_reference", "type_arguments"])

function attributesOf(ctx: Context, node: Syntax): Node[] {
  return node.children
    .filter((child) => child.field === "attribute" || child.type === "ERROR")
    .flatMap((child) => (child.type === "jsx_attribute" ? valueOf(ctx, child) : heldBy(ctx, child)))
}

/** A handler is named after its attribute. */
function valueOf(ctx: Context, attribute: Syntax): Node[] {
  const [name, value] = namedOf(attribute)
  if (!name || !value) return []
  return heldBy(ctx, value, { name: textOf(ctx, name), nameStart: name.start })
}

function heldBy(ctx: Context, node: Syntax, binding?: { name: string; nameStart: number }): Node[] {
  if (node.type !== "jsx_expression") return [ctx.expression(node, binding)]
  return namedOf(node).map((held) => ctx.expression(held, binding))
}
