/** What each element of a list is made by: `[key(name) for name in names]`, `names.map((name) => key(name))`. */
import type { Node } from "../../ir/nodes.ts"
import { definitionsOf } from "./definitions.ts"
import type { File } from "./file.ts"
import type { Program } from "./program.ts"

/** The expression of an element; null where the list is made in another way. */
export function elementOf(program: Program, file: File, list: Node): Node | null {
  const direct = madeBy(list)
  if (direct || (list.kind !== "name" && list.kind !== "member")) return direct
  const [only, ...others] = definitionsOf(program, file, list)
  return only?.value && only.file === file && others.length === 0 ? madeBy(only.value) : null
}

function madeBy(list: Node): Node | null {
  if (list.kind === "list") return list.items.length === 1 ? list.items[0]! : null
  if (list.kind === "other") return overOf(list) ? (list.children[0] ?? null) : null
  if (list.kind !== "call" || list.name !== "map" || list.args.length !== 1) return null
  const [work] = list.args
  const last = work?.kind === "lambda" ? work.fn.body?.body.at(-1) : undefined
  return last?.kind === "return" ? last.value : null
}

/** What the first clause of a comprehension goes over. */
export function overOf(node: Node): Node | undefined {
  if (node.kind !== "other" || !/comprehension|generator/.test(node.type)) return undefined
  const clause = node.children.find((one) => one.kind === "other" && one.type === "for_in_clause")
  return clause?.kind === "other" ? clause.children.at(-1) : undefined
}
