/** Go's declarations: constants, variables and types. */
import type { Annotation, Class, Field, Func, Node } from "../../ir/nodes.ts"
import { nameNode, named, other, type Lowering, type Table } from "../lowering.ts"
import { fieldOf, fieldsOf, type Syntax } from "../syntax.ts"
import { funcOf } from "./functions.ts"
import { bound, oneOf } from "./statements.ts"
import { typeName } from "./typeNames.ts"

export const DECLARATIONS: Table = {
  const_declaration: (node, to) => to.inside(node),
  var_declaration: (node, to) => to.inside(node),
  var_spec_list: (node, to) => to.inside(node),
  const_spec: (node, to) => variable(node, true, to),
  var_spec: (node, to) => variable(node, false, to),
  type_declaration: (node, to) => to.inside(node),
  type_spec: typeOf,
  function_declaration: funcOf,
  method_declaration: funcOf,
  method_elem: funcOf,
}

/** A constant without a value repeats the expression above it; it has none here, so that no call is counted twice. */
function variable(node: Syntax, isConst: boolean, to: Lowering): Node {
  const names = fieldsOf(node, "name").filter((one) => one.isNamed)
  const targets = names.map((one) => nameNode(one, to.textOf(one)))
  const type = fieldOf(node, "type")
  const value = fieldOf(node, "value")
  return {
    kind: "assign",
    op: "=",
    declares: true,
    targets,
    value: value && bound(targets, oneOf(value, to)),
    type: type && to.textOf(type),
    ...(isConst ? { isConst } : {}),
    start: node.start,
    end: node.end,
  }
}

/** Structs and interfaces are classes; a name for another type is `other` of the name and the type. */
function typeOf(node: Syntax, to: Lowering): Node {
  const type = fieldOf(node, "type")
  if (type?.type === "struct_type") return struct(node, type, to)
  if (type?.type === "interface_type") return interfaceOf(node, type, to)
  return other(node, node.type, to.inside(node))
}

type Members = Pick<Class, "bases" | "fields" | "methods" | "rest">

function classOf(node: Syntax, form: Class["form"], members: Members, to: Lowering): Class {
  const name = fieldOf(node, "name")
  return {
    kind: "class",
    form,
    name: name ? to.textOf(name) : "",
    nameStart: name?.start ?? node.start,
    ...members,
    annotations: [],
    modifiers: [],
    start: node.start,
    end: node.end,
  }
}

function struct(node: Syntax, type: Syntax, to: Lowering): Class {
  const bases: string[] = []
  const fields: Field[] = []
  const rest: Node[] = []
  for (const one of named(type).flatMap(named)) {
    const fieldType = fieldOf(one, "type")
    if (one.type !== "field_declaration" || !fieldType) {
      rest.push(...to.many([one]))
      continue
    }
    const names = fieldsOf(one, "name").filter((name) => name.isNamed)
    if (names.length === 0) bases.push(typeName(fieldType, to))
    for (const name of names) {
      fields.push({
        name: to.textOf(name),
        type: to.textOf(fieldType),
        value: null,
        annotations: tagOf(one, to),
        modifiers: [],
        start: name.start,
        end: one.end,
      })
    }
  }
  return classOf(node, "struct", { bases, fields, methods: [], rest }, to)
}

/** The tag of a field is an annotation `tag` with one string: `gorm:"version"`. */
function tagOf(field: Syntax, to: Lowering): Annotation[] {
  const tag = fieldOf(field, "tag")
  return tag ? [{ name: "tag", args: [to.lower(tag)], start: tag.start, end: tag.end }] : []
}

function interfaceOf(node: Syntax, type: Syntax, to: Lowering): Class {
  const bases: string[] = []
  const methods: Func[] = []
  const rest: Node[] = []
  for (const one of named(type)) {
    const [only, ...more] = named(one)
    if (one.type === "method_elem") methods.push(funcOf(one, to))
    else if (
      one.type === "type_elem" &&
      only &&
      more.length === 0 &&
      only.type !== "negated_type"
    ) {
      bases.push(typeName(only, to))
    } else rest.push(...to.many([one]))
  }
  return classOf(node, "interface", { bases, fields: [], methods, rest }, to)
}
