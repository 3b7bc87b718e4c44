/** Kotlin's properties and local variables, with their delegates, getters and setters. */
import type { Assign, Func, Node } from "../../ir/nodes.ts"
import { boundTo, childOf, hasToken, isComment, named, other, type Lowering } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { bindingOf } from "./bindings.ts"
import { accessorOf, receiverOf } from "./functions.ts"
import { modifiersOf, type Modifiers } from "./modifiers.ts"

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
  if (equals < 0) return null
  const after = node.children.slice(equals).filter((child) => child.isNamed && !isBeside(child))
  const [value] = after
  // Where the parser stumbled there are several.
  if (after.length > 1)
    return other({ start: value!.start, end: after.at(-1)!.end }, "ERROR", to.many(after))
  return value ? to.lower(value) : null
}

function isBeside(node: Syntax): boolean {
  return isComment(node) || node.type === "getter" || node.type === "setter"
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
