/** Kotlin's properties and local variables, with their delegates, getters and setters. */
import type { Assign, Func, Node } from "../../ir/nodes.ts"
import { boundTo, childOf, hasToken, named, nameNode, type Lowering } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { accessorOf, receiverOf } from "./functions.ts"
import { modifiersOf, type Modifiers } from "./modifiers.ts"
import { identifier, isType } from "./types.ts"

/** What a `variable_declaration` or `multi_variable_declaration` binds. */
export function bindingOf(
  node: Syntax,
  to: Lowering,
): { names: string[]; targets: Node[]; type: string | null } {
  const one = node.type === "multi_variable_declaration" ? [] : [node]
  const variables = one.length > 0 ? one : named(node)
  const words = variables.flatMap((variable) => childOf(variable, "identifier") ?? [])
  const type = one[0]?.children.find(isType)
  return {
    names: words.map((word) => identifier(word, to)),
    targets: words.map((word) => nameNode(word, identifier(word, to))),
    type: type ? to.textOf(type) : null,
  }
}

export interface Property extends Modifiers {
  readonly names: readonly string[]
  readonly targets: readonly Node[]
  readonly type: string | null
  /** The initialiser, or the expression behind `by`. */
  readonly value: Node | null
  /** `val`. */
  readonly isConst: boolean
  /** The getter and setter that have a body, under the property's name. */
  readonly accessors: readonly Func[]
}

export function propertyOf(node: Syntax, to: Lowering): Property {
  const variable =
    childOf(node, "variable_declaration") ?? childOf(node, "multi_variable_declaration")
  const binding = variable ? bindingOf(variable, to) : { names: [], targets: [], type: null }
  const name = binding.names.length === 1 ? binding.names[0]! : ""
  const value = valueOf(node, to)
  const receiver = receiverOf(node, to)
  const accessors = node.children.filter((child) => /^[gs]etter$/.test(child.type))
  return {
    ...binding,
    ...modifiersOf(node, to),
    value: value ? boundTo(name, value) : null,
    isConst: hasToken(node, "val"),
    accessors: accessors.flatMap((one) => accessorOf(one, name, receiver, to) ?? []),
  }
}

function valueOf(node: Syntax, to: Lowering): Node | null {
  const delegate = childOf(node, "property_delegate")
  if (delegate) {
    const [value] = named(delegate)
    return value ? to.lower(value) : null
  }
  const equals = node.children.findIndex((child) => child.type === "=")
  const value = equals < 0 ? undefined : node.children.slice(equals).find((child) => child.isNamed)
  return value ? to.lower(value) : null
}

/** A property outside a class is an assignment, followed by its accessors. */
export function variableOf(node: Syntax, to: Lowering): readonly Node[] {
  const { targets, value, type, isConst, accessors } = propertyOf(node, to)
  const { start, end } = node
  const assign: Assign = {
    kind: "assign",
    op: "=",
    declares: true,
    targets,
    value,
    type,
    ...(isConst ? { isConst } : {}),
    start,
    end,
  }
  return [assign, ...accessors]
}
