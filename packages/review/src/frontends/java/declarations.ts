/** Java's classes, interfaces, enums, records and annotation types with their members. */
import type { Call, Class, Field, Func, Node, Param } from "../../ir/nodes.ts"
import {
  block,
  boundTo,
  childOf,
  named,
  nameNode,
  other,
  type Lowering,
  type Members,
  type Table,
} from "../lowering.ts"
import { fieldOf, fieldsOf, type Syntax } from "../syntax.ts"
import { modifiersOf } from "./modifiers.ts"
import { paramsOf, typeText } from "./parameters.ts"
import { typesIn } from "./typeNames.ts"

export const declarations: Table = {
  class_declaration: (node, to) => classOf(node, "class", to),
  interface_declaration: (node, to) => classOf(node, "interface", to),
  enum_declaration: (node, to) => classOf(node, "enum", to),
  record_declaration: lowerRecord,
  annotation_type_declaration: (node, to) => classOf(node, "interface", to),
  // Members stand in a class; these meet them where the parser lost the class around them.
  method_declaration: (node, to) => methodOf(node, to),
  constructor_declaration: (node, to) => methodOf(node, to),
  field_declaration: lowerLooseField,
  constant_declaration: lowerLooseField,
  static_initializer: (node, to) => to.inside(node),
  class_body: (node, to) => classBodyOf(node, [], to),
}

/** The functions of the grammar that have a name. */
export const FUNCTIONS: ReadonlySet<string> = new Set([
  "method_declaration",
  "constructor_declaration",
  "compact_constructor_declaration",
])

function classOf(
  node: Syntax,
  form: Class["form"],
  to: Lowering,
  components: readonly Param[] = [],
): Class {
  const [name, body] = [fieldOf(node, "name"), fieldOf(node, "body")]
  const word = name ? to.textOf(name) : ""
  const bases = [
    ...typesIn(fieldOf(node, "superclass"), to),
    ...typesIn(fieldOf(node, "interfaces"), to),
    ...typesIn(childOf(node, "extends_interfaces"), to),
  ]
  return {
    kind: "class",
    form,
    name: word,
    nameStart: name?.start ?? node.start,
    bases,
    ...membersOf(body, { owner: word, components }, to),
    ...modifiersOf(node, to),
    start: node.start,
    end: node.end,
  }
}

/** A record's components are its fields, and `record` is one of its modifiers. */
function lowerRecord(node: Syntax, to: Lowering): Class {
  const components = paramsOf(fieldOf(node, "parameters"), to)
  const record = classOf(node, "class", to, components)
  const fields: Field[] = components.map((param) => ({
    name: param.name,
    type: param.type,
    value: null,
    annotations: param.annotations ?? [],
    modifiers: ["private", "final"],
    start: param.start,
    end: param.end,
  }))
  const modifiers = [...record.modifiers, "record"]
  return { ...record, fields: [...fields, ...record.fields], modifiers }
}

/** An anonymous class: what follows `new Foo()`, and the body of an enum's constant. */
export function classBodyOf(body: Syntax, bases: readonly string[], to: Lowering): Class {
  return {
    kind: "class",
    form: "class",
    name: "",
    nameStart: body.start,
    bases,
    ...membersOf(body, { owner: "", components: [] }, to),
    annotations: [],
    modifiers: [],
    start: body.start,
    end: body.end,
  }
}

interface Owner {
  readonly owner: string
  /** What a record's compact constructor takes. */
  readonly components: readonly Param[]
}

function membersOf(body: Syntax | null, owner: Owner, to: Lowering): Members {
  const fields: Field[] = []
  const methods: Func[] = []
  const rest: Node[] = []
  for (const node of body ? membersIn(body) : []) {
    switch (node.type) {
      case "field_declaration":
      case "constant_declaration":
        fields.push(...fieldsIn(node, to))
        break
      case "enum_constant":
        fields.push(enumConstant(node, owner.owner, to))
        break
      case "annotation_type_element_declaration":
        fields.push(annotationElement(node, to))
        break
      case "method_declaration":
      case "constructor_declaration":
        methods.push(methodOf(node, to))
        break
      case "compact_constructor_declaration":
        methods.push({ ...methodOf(node, to), params: owner.components.map(bare) })
        break
      default:
        rest.push(...to.many([node]))
    }
  }
  return { fields, methods, rest }
}

function membersIn(body: Syntax): Syntax[] {
  return named(body).flatMap((node) =>
    node.type === "enum_body_declarations" ? named(node) : [node],
  )
}

function bare(param: Param): Param {
  const { annotations: _, ...rest } = param
  return rest
}

/** Methods, and constructors under the name `constructor`. */
function methodOf(node: Syntax, to: Lowering): Func {
  const [name, body] = [fieldOf(node, "name"), fieldOf(node, "body")]
  const isMethod = node.type === "method_declaration"
  return {
    kind: "function",
    name: isMethod && name ? to.textOf(name) : "constructor",
    nameStart: name?.start ?? node.start,
    params: paramsOf(fieldOf(node, "parameters"), to),
    result: isMethod ? typeText(fieldOf(node, "type"), node, to) : null,
    body: body ? block(body, to.inside(body)) : null,
    isAsync: false,
    receiver: null,
    ...modifiersOf(node, to),
    ...(to.isBroken(node) ? { hasError: true } : {}),
    start: node.start,
    end: node.end,
  }
}

function fieldsIn(node: Syntax, to: Lowering): Field[] {
  const type = fieldOf(node, "type")
  const modifiers = modifiersOf(node, to)
  return fieldsOf(node, "declarator").map((declarator, i) => {
    const [name, value] = [fieldOf(declarator, "name"), fieldOf(declarator, "value")]
    const word = name ? to.textOf(name) : ""
    return {
      name: word,
      type: typeText(type, declarator, to),
      value: value ? boundTo(word, to.lower(value)) : null,
      ...modifiers,
      start: i === 0 ? node.start : declarator.start,
      end: declarator.end,
    }
  })
}

/** `A(1) { … }` is a field that holds an instance of its enum. */
function enumConstant(node: Syntax, owner: string, to: Lowering): Field {
  const [name, args, body] = [
    fieldOf(node, "name"),
    fieldOf(node, "arguments"),
    fieldOf(node, "body"),
  ]
  const callee = nameNode(name ?? node, owner)
  const created: Call = {
    kind: "call",
    callee,
    name: owner,
    args: args ? to.inside(args) : [],
    isNew: true,
    ...(body ? { body: classBodyOf(body, [owner], to) } : {}),
    start: callee.start,
    end: node.end,
  }
  return {
    name: name ? to.textOf(name) : "",
    type: owner,
    value: args || body ? created : null,
    ...modifiersOf(node, to),
    start: node.start,
    end: node.end,
  }
}

/** `int value() default 1` of an annotation type: a field with the default as its value. */
function annotationElement(node: Syntax, to: Lowering): Field {
  const [name, value] = [fieldOf(node, "name"), fieldOf(node, "value")]
  return {
    name: name ? to.textOf(name) : "",
    type: typeText(fieldOf(node, "type"), node, to),
    value: value ? to.lower(value) : null,
    ...modifiersOf(node, to),
    start: node.start,
    end: node.end,
  }
}

/** A field outside a class keeps what it holds. */
function lowerLooseField(node: Syntax, to: Lowering): Node | readonly Node[] {
  return fieldsIn(node, to).map((field) => {
    const { name, type, value, start, end } = field
    if (name === "") return other(field, node.type, value ? [value] : [])
    const targets = [nameNode(field, name)]
    return { kind: "assign", op: "=", declares: true, targets, value, type, start, end }
  })
}
