/** Python's functions with their decorators, and its classes. */
import type { Class, Field, Func, Node } from "../../ir/nodes.ts"
import { named, other, type Lowering, type Table } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { annotationOf, funcOf } from "./functions.ts"

export const DECLARATIONS: Table = {
  function_definition: (node, to) => funcOf(node, [], to),
  class_definition: (node, to) => classOf(node, [], to),
  decorated_definition: (node, to) => {
    const decorators = named(node).filter((one) => one.type === "decorator")
    const definition = fieldOf(node, "definition")
    if (definition?.type === "function_definition") return funcOf(definition, decorators, to)
    if (definition?.type === "class_definition") return classOf(definition, decorators, to)
    return other(node, node.type, to.inside(node))
  },
}

function classOf(node: Syntax, decorators: readonly Syntax[], to: Lowering): Class {
  const name = fieldOf(node, "name")
  const body = fieldOf(node, "body")
  const { bases, others } = basesOf(fieldOf(node, "superclasses"), to)
  const fields: Field[] = []
  const methods: Func[] = []
  const rest: Node[] = [...others]
  for (const member of body ? to.inside(body) : []) {
    const field = fieldFrom(member)
    if (member.kind === "function") methods.push(member)
    else if (field) fields.push(field)
    else rest.push(member)
  }
  return {
    kind: "class",
    form: "class",
    name: name ? to.textOf(name) : "",
    nameStart: name?.start ?? node.start,
    bases,
    fields,
    methods,
    rest,
    annotations: decorators.map((one) => annotationOf(one, to)),
    modifiers: [],
    start: node.start,
    end: node.end,
  }
}

/** `x: int`, `x = 1` and `x: int = 1`; everything else in a class body is a statement. */
function fieldFrom(member: Node): Field | null {
  if (member.kind !== "assign" || member.op !== "=" || member.targets.length !== 1) return null
  const [target] = member.targets
  if (target?.kind !== "name") return null
  const { type, value, start, end } = member
  return { name: target.name, type, value, annotations: [], modifiers: [], start, end }
}

/** Names of base classes; keywords (`metaclass=M`) and bases that are computed are looked at as expressions. */
function basesOf(list: Syntax | null, to: Lowering): { bases: string[]; others: Node[] } {
  const bases: string[] = []
  const others: Node[] = []
  for (const one of list ? named(list) : []) {
    const plain = one.type === "subscript" ? (fieldOf(one, "value") ?? one) : one
    const isName = plain.type === "identifier" || plain.type === "attribute"
    if (isName) bases.push(to.textOf(plain))
    if (!isName || one.type === "keyword_argument") others.push(to.lower(one))
  }
  return { bases, others }
}
