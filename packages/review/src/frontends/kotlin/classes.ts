/** Kotlin's classes, interfaces, enums and objects with their members. */
import type { Call, Class, Field, Func, Node, Param } from "../../ir/nodes.ts"
import {
  block,
  boundTo,
  childOf,
  hasToken,
  named,
  nameNode,
  other,
  type Lowering,
  type Members,
  type Table,
} from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { blockOf, delegationCall, functionOf, secondaryConstructor } from "./functions.ts"
import { fileAnnotation, modifiersOf } from "./modifiers.ts"
import { RECOVERED_FUNCTION } from "./recover.ts"
import { identifier, isType, typeName } from "./typeNames.ts"
import { propertyOf, variableOf } from "./variables.ts"

export const declarations: Table = {
  class_declaration: (node, to) => classOf(node, formOf(node, to), to),
  object_declaration: (node, to) => classOf(node, "object", to),
  companion_object: lowerCompanion,
  function_declaration: (node, to) => functionOf(node, to),
  [RECOVERED_FUNCTION]: (node, to) => ({ ...functionOf(node, to), hasError: true }),
  property_declaration: variableOf,
  secondary_constructor: secondaryConstructor,
  constructor_delegation_call: delegationCall,
  anonymous_initializer: (node, to) => {
    const braces = childOf(node, "block")
    return braces ? blockOf(braces, to) : to.inside(node)
  },
  type_alias: (node) => other(node, node.type, []),
  file_annotation: fileAnnotation,
}

function formOf(node: Syntax, to: Lowering): Class["form"] {
  if (hasToken(node, "interface")) return "interface"
  return modifiersOf(node, to).modifiers.includes("enum") ? "enum" : "class"
}

function classOf(node: Syntax, form: Class["form"], to: Lowering): Class {
  const name = fieldOf(node, "name")
  const word = name ? identifier(name, to) : ""
  const { bases, created, rest } = basesOf(node, to)
  const primary = childOf(node, "primary_constructor")
  const { fields, params } = primary ? primaryParams(primary, to) : { fields: [], params: [] }
  const members = membersOf(bodyIn(node), word, to)
  const hasConstructor = primary !== null || (created !== null && created.args.length > 0)
  const constructors = hasConstructor
    ? [primaryConstructor(node, primary, params, created, to)]
    : []
  return {
    kind: "class",
    form,
    name: word,
    nameStart: name?.start ?? node.start,
    bases,
    fields: [...fields, ...members.fields],
    methods: [...constructors, ...members.methods],
    rest: [...rest, ...members.rest],
    ...modifiersOf(node, to),
    start: node.start,
    end: node.end,
  }
}

function bodyIn(node: Syntax): Syntax | null {
  return childOf(node, "class_body") ?? childOf(node, "enum_class_body")
}

/** A companion without a name has the one that Kotlin gives it, and `companion` among its modifiers. */
function lowerCompanion(node: Syntax, to: Lowering): Class {
  const companion = classOf(node, "object", to)
  const modifiers = [...companion.modifiers, "companion"]
  return { ...companion, name: companion.name === "" ? "Companion" : companion.name, modifiers }
}

// --- bases and the primary constructor ----------------------------------------------------------------------------

export interface Bases {
  readonly bases: readonly string[]
  readonly types: readonly Syntax[]
  /** The call of the base class's constructor. */
  readonly created: Call | null
  /** Objects that interfaces are delegated to. */
  readonly rest: readonly Node[]
}

/** What stands behind the colon of a class. */
export function basesOf(node: Syntax, to: Lowering): Bases {
  const list = childOf(node, "delegation_specifiers")
  const types: Syntax[] = []
  let created: Call | null = null
  const rest: Node[] = []
  for (const specifier of (list ? named(list) : []).flatMap(named)) {
    const type = isType(specifier) ? specifier : specifier.children.find(isType)
    if (type) types.push(type)
    if (specifier.type === "constructor_invocation") created = superCall(specifier, to)
    else if (specifier.type === "explicit_delegation") {
      rest.push(other(specifier, specifier.type, to.inside(specifier)))
    } else if (!isType(specifier) && specifier.type !== "annotation")
      rest.push(...to.many([specifier]))
  }
  return { bases: types.map((type) => typeName(type, to)), types, created, rest }
}

/** `Base(x)` behind the colon, as the `super(x)` that it is. */
function superCall(node: Syntax, to: Lowering): Call {
  const list = childOf(node, "value_arguments")
  const { start, end } = node
  const callee = nameNode({ start, end: list?.start ?? end }, "super")
  return { kind: "call", callee, name: "super", args: list ? to.inside(list) : [], start, end }
}

/** Parameters with `val` or `var` are fields, which then hold the default. */
function primaryParams(node: Syntax, to: Lowering): { fields: Field[]; params: Param[] } {
  const list = childOf(node, "class_parameters")
  const fields: Field[] = []
  const params: Param[] = []
  for (const param of list ? named(list) : []) {
    if (param.type !== "class_parameter") continue
    const [name, type] = [childOf(param, "identifier"), param.children.find(isType)]
    const equals = param.children.findIndex((child) => child.type === "=")
    const given =
      equals < 0 ? undefined : param.children.slice(equals).find((child) => child.isNamed)
    const word = name ? identifier(name, to) : ""
    const value = given ? boundTo(word, to.lower(given)) : null
    const { annotations, modifiers } = modifiersOf(param, to)
    const keyword = hasToken(param, "val") ? "val" : hasToken(param, "var") ? "var" : null
    const at = { start: param.start, end: param.end }
    const typed = { name: word, type: type ? to.textOf(type) : null }
    if (keyword)
      fields.push({ ...typed, value, annotations, modifiers: [...modifiers, keyword], ...at })
    params.push({
      ...typed,
      value: keyword ? null : value,
      ...(!keyword && annotations.length > 0 ? { annotations } : {}),
      ...(modifiers.includes("vararg") ? { isRest: true } : {}),
      ...at,
    })
  }
  return { fields, params }
}

/** The constructor in a class's head; its body is the call of the base class's. */
function primaryConstructor(
  node: Syntax,
  primary: Syntax | null,
  params: readonly Param[],
  created: Call | null,
  to: Lowering,
): Func {
  const at = primary ?? created ?? node
  return {
    kind: "function",
    name: "constructor",
    nameStart: at.start,
    params,
    result: null,
    body: block(created ?? { start: at.end, end: at.end }, created ? [created] : []),
    isAsync: false,
    receiver: null,
    ...(primary ? modifiersOf(primary, to) : { annotations: [], modifiers: [] }),
    start: at.start,
    end: created?.end ?? at.end,
  }
}

// --- members ------------------------------------------------------------------------------------------------------

/** What a class body holds; `owner` is the enum whose constants it has. */
export function membersOf(body: Syntax | null, owner: string, to: Lowering): Members {
  const fields: Field[] = []
  const methods: Func[] = []
  const rest: Node[] = []
  for (const node of body ? named(body) : []) {
    switch (node.type) {
      case "property_declaration": {
        const property = fieldsFrom(node, to)
        fields.push(...property.fields)
        methods.push(...property.methods)
        break
      }
      case "enum_entry":
        fields.push(enumEntry(node, owner, to))
        break
      case "function_declaration":
        methods.push(functionOf(node, to))
        break
      case "secondary_constructor":
        methods.push(secondaryConstructor(node, to))
        break
      default:
        rest.push(...to.many([node]))
    }
  }
  return { fields, methods, rest }
}

/** A property is a field, and its accessors with a body are methods of the same name. */
function fieldsFrom(node: Syntax, to: Lowering): { fields: Field[]; methods: readonly Func[] } {
  const { names, type, value, annotations, modifiers, isConst, accessors } = propertyOf(node, to)
  const words = [...modifiers, isConst ? "val" : "var"]
  const { start, end } = node
  const fields = names.map((name, i) => {
    return { name, type, value: i === 0 ? value : null, annotations, modifiers: words, start, end }
  })
  return { fields, methods: accessors }
}

/** `A(1) { … }` is a field that holds an instance of its enum. */
function enumEntry(node: Syntax, owner: string, to: Lowering): Field {
  const [name, list, body] = [
    childOf(node, "identifier"),
    childOf(node, "value_arguments"),
    childOf(node, "class_body"),
  ]
  const word = name ? identifier(name, to) : ""
  const { start, end } = node
  const created: Call = {
    kind: "call",
    callee: nameNode(name ?? node, owner),
    name: owner,
    args: list ? to.inside(list) : [],
    isNew: true,
    ...(body ? { body: enumBody(body, owner, to) } : {}),
    start: name?.start ?? start,
    end,
  }
  return {
    name: word,
    type: owner,
    value: list || body ? created : null,
    ...modifiersOf(node, to),
    start,
    end,
  }
}

function enumBody(body: Syntax, owner: string, to: Lowering): Class {
  return {
    kind: "class",
    form: "object",
    name: "",
    nameStart: body.start,
    bases: [owner],
    ...membersOf(body, "", to),
    annotations: [],
    modifiers: [],
    start: body.start,
    end: body.end,
  }
}
