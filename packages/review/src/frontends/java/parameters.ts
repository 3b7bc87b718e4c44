/** Parameters of Java's methods, constructors, records and lambdas with types. */
import type { Param } from "../../ir/nodes.ts"
import { childOf, named, type Lowering } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { modifiersOf } from "./modifiers.ts"
import { TYPES } from "./typeNames.ts"

/** The parameters of a `formal_parameters`; the receiver (`Foo this`) is none. */
export function paramsOf(list: Syntax | null, to: Lowering): Param[] {
  const params: Param[] = []
  for (const node of list ? named(list) : []) {
    if (node.type === "formal_parameter")
      params.push(paramOf(node, node, fieldOf(node, "type"), to))
    else if (node.type === "spread_parameter") {
      const declarator = childOf(node, "variable_declarator") ?? node
      const type = node.children.find((child) => TYPES.has(child.type)) ?? null
      params.push({ ...paramOf(node, declarator, type, to), isRest: true })
    }
  }
  return params
}

function paramOf(node: Syntax, declarator: Syntax, type: Syntax | null, to: Lowering): Param {
  const name = fieldOf(declarator, "name")
  const { annotations } = modifiersOf(node, to)
  return {
    name: name ? to.textOf(name) : "",
    type: typeText(type, declarator, to),
    value: null,
    ...(annotations.length > 0 ? { annotations } : {}),
    start: node.start,
    end: node.end,
  }
}

/** The declared type as written, with brackets that stand behind the name; null for `var`. */
export function typeText(type: Syntax | null, declarator: Syntax, to: Lowering): string | null {
  const written = type ? to.textOf(type) : "var"
  if (written === "var") return null
  const brackets = fieldOf(declarator, "dimensions")
  return brackets ? `${written}${to.textOf(brackets)}` : written
}
