/** Strings, templates and numbers: what their text means. */
import type { Node, Num, Str } from "../../ir/nodes.ts"
import { namedOf, type Syntax } from "../syntax.ts"
import { type Context, textOf } from "./context.ts"

/** A quoted string, its escapes resolved. */
export function stringOf(ctx: Context, node: Syntax): Str {
  const value = unescaped(ctx.text.slice(node.start + 1, node.end - 1))
  return { kind: "string", value, start: node.start, end: node.end }
}

/** A template literal: a string where it has no holes. */
export function templateOf(ctx: Context, node: Syntax): Node {
  const { start, end } = node
  const holes = node.children.filter((child) => child.type === "template_substitution")
  if (holes.length === 0) return stringOf(ctx, node)
  const parts: Node[] = []
  let at = start + 1
  const addText = (until: number): void => {
    if (until <= at) return
    parts.push({
      kind: "string",
      value: unescaped(ctx.text.slice(at, until)),
      start: at,
      end: until,
    })
  }
  for (const hole of holes) {
    addText(hole.start)
    for (const held of namedOf(hole)) parts.push(ctx.expression(held))
    at = hole.end
  }
  addText(end - 1)
  return { kind: "template", parts, start, end }
}

export function numberOf(ctx: Context, node: Syntax): Num {
  return {
    kind: "number",
    value: numberIn(textOf(ctx, node)),
    start: node.start,
    end: node.end,
  }
}

/** Separators, other bases, old octals and bigints; 0 for what is no number. */
function numberIn(text: string): number {
  const digits = text.replaceAll("_", "").replace(/n$/, "")
  const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits)
  return Number.isFinite(value) ? value : 0
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
  v: "\v",
  0: "\0",
}

const ESCAPE = /\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[^]))/g

/** The text with its escapes resolved; what is no escape stays as it is. */
export function unescaped(text: string): string {
  if (!text.includes("\\")) return text
  return text.replaceAll(ESCAPE, (all, point, unit, byte, one) => {
    const code: string | undefined = point ?? unit ?? byte
    if (code !== undefined) {
      const value = Number.parseInt(code, 16)
      return value > 0x10ffff ? all : String.fromCodePoint(value)
    }
    if (/^[\r\n\u2028\u2029]/.test(one)) return ""
    return ESCAPES[one] ?? one
  })
}
