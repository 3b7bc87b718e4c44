/** Classes, interfaces and enums with their members. */
import type { Annotation, Class, Field, Func, Node } from "../../ir/nodes.ts"
import { fieldOf, fieldsOf, namedOf, type Syntax } from "../syntax.ts"
import { type Binding, type Context, declaredType, modifiersOf, textOf } from "./context.ts"
import { annotationOf, decoratorsOf } from "./functions.ts"
import { computedIn, memberName, methodOf } from "./members.ts"

interface Members {
  readonly fields: Field[]
  readonly methods: Func[]
  readonly rest: Node[]
}

/** A class as a declaration or as an expression, an abstract one, an interface, or a type that is an object's shape. */
export function classOf(ctx: Context, node: Syntax, binding?: Binding): Class {
  const members: Members = { fields: [], methods: [], rest: [] }
  const bases = basesOf(ctx, node, members.rest)
  const body = fieldOf(node, "body") ?? fieldOf(node, "value")
  if (body) addMembers(ctx, body, members)
  const isInterface = node.type !== "class" && !node.type.endsWith("class_declaration")
  return classWith(ctx, node, isInterface ? "interface" : "class", bases, members, binding)
}

/** Members of an enum are its fields. */
export function enumOf(ctx: Context, node: Syntax, binding?: Binding): Class {
  const members: Members = { fields: [], methods: [], rest: [] }
  const body = fieldOf(node, "body")
  for (const child of body ? namedOf(body) : []) {
    const name = fieldOf(child, "name") ?? child
    const value = fieldOf(child, "value")
    members.fields.push({
      name: memberName(ctx, name),
      type: null,
      value: value ? ctx.expression(value) : null,
      annotations: [],
      modifiers: [],
      start: child.start,
      end: child.end,
    })
  }
  return classWith(ctx, node, "enum", [], members, binding)
}

function classWith(
  ctx: Context,
  node: Syntax,
  form: Class["form"],
  bases: readonly string[],
  members: Members,
  binding?: Binding,
): Class {
  const name = fieldOf(node, "name")
  return {
    kind: "class",
    form,
    name: name ? textOf(ctx, name) : (binding?.name ?? ""),
    nameStart: name?.start ?? binding?.nameStart ?? node.start,
    bases,
    ...members,
    annotations: [...(binding?.annotations ?? []), ...decoratorsOf(ctx, node)],
    modifiers: [...(binding?.modifiers ?? []), ...modifiersOf(ctx, node)],
    start: node.start,
    end: node.end,
  }
}

/** Names of what it extends and implements. What is called for one, as `mixin(Base)` is, goes to the rest. */
function basesOf(ctx: Context, node: Syntax, rest: Node[]): string[] {
  const bases: string[] = []
  const heritage = node.children.filter((child) =>
    /^(?:class_heritage|extends_type_clause)$/.test(child.type),
  )
  for (const clause of heritage.flatMap(clausesOf)) {
    for (const base of namedOf(clause)) {
      if (base.type === "type_arguments") continue
      const name = baseName(ctx, base)
      if (name !== "") bases.push(name)
      if (clause.type !== "implements_clause" && !isPath(base)) rest.push(ctx.expression(base))
    }
  }
  return bases
}

function clausesOf(heritage: Syntax): Syntax[] {
  const clauses = heritage.children.filter((child) => child.type.endsWith("_clause"))
  return clauses.length > 0 ? clauses : [heritage]
}

const PATHS = new Set([
  "identifier",
  "type_identifier",
  "member_expression",
  "nested_identifier",
  "nested_type_identifier",
  "generic_type",
  "instantiation_expression",
  "null",
])

function isPath(node: Syntax): boolean {
  if (!PATHS.has(node.type)) return false
  const object = fieldOf(node, "object")
  return !object || isPath(object)
}

function baseName(ctx: Context, node: Syntax): string {
  const inner =
    fieldOf(node, "function") ??
    (/^(?:generic_type|instantiation_expression|parenthesized_expression)$/.test(node.type)
      ? (namedOf(node)[0] ?? null)
      : null)
  if (inner) return baseName(ctx, inner)
  const object = fieldOf(node, "object") ?? fieldOf(node, "module")
  const last = fieldOf(node, "property") ?? fieldOf(node, "name")
  if (object && last) return `${baseName(ctx, object)}.${textOf(ctx, last)}`
  return isPath(node) && node.type !== "null" ? textOf(ctx, node) : ""
}

function addMembers(ctx: Context, body: Syntax, members: Members): void {
  // TypeScript's grammar puts decorators of a method beside it.
  let pending: Annotation[] = []
  for (const child of namedOf(body)) {
    if (child.type === "decorator") pending.push(annotationOf(ctx, child))
    else {
      addMember(ctx, child, [...pending, ...decoratorsOf(ctx, child)], members)
      pending = []
    }
  }
}

const SILENT = new Set(["index_signature", "call_signature", "construct_signature"])

function addMember(
  ctx: Context,
  node: Syntax,
  annotations: readonly Annotation[],
  members: Members,
): void {
  switch (node.type) {
    case "method_definition":
    case "method_signature":
    case "abstract_method_signature": {
      const name = fieldOf(node, "name")
      if (name) members.rest.push(...computedIn(ctx, name))
      members.fields.push(...parameterProperties(ctx, node))
      members.methods.push(methodOf(ctx, node, annotations))
      break
    }
    case "public_field_definition":
    case "field_definition":
    case "property_signature":
      addField(ctx, node, annotations, members)
      break
    case "class_static_block": {
      const block = fieldOf(node, "body")
      if (block) members.rest.push(ctx.block(block))
      break
    }
    default:
      if (!SILENT.has(node.type)) members.rest.push(...ctx.statement(node))
  }
}

function addField(
  ctx: Context,
  node: Syntax,
  annotations: readonly Annotation[],
  members: Members,
): void {
  const name = fieldOf(node, "name") ?? fieldOf(node, "property")
  const value = fieldOf(node, "value")
  if (name) members.rest.push(...computedIn(ctx, name))
  const modifiers = modifiersOf(ctx, node)
  const called = name ? memberName(ctx, name) : ""
  const nameStart = name?.start ?? node.start
  const binding: Binding = { name: called, nameStart, modifiers, annotations: [], isField: true }
  members.fields.push({
    name: called,
    type: declaredType(ctx, node),
    value: value ? ctx.expression(value, binding) : null,
    annotations,
    modifiers,
    start: node.start,
    end: node.end,
  })
}

const PROPERTY = new Set(["accessibility_modifier", "readonly", "override_modifier"])

/** `constructor(private readonly pool: Pool)` declares a field. */
function parameterProperties(ctx: Context, node: Syntax): Field[] {
  const list = fieldOf(node, "parameters")
  const found = list
    ? namedOf(list).filter((param) => param.children.some((child) => PROPERTY.has(child.type)))
    : []
  return found.flatMap((param) =>
    fieldsOf(param, "pattern").map((name) => ({
      name: textOf(ctx, name),
      type: declaredType(ctx, param),
      value: null,
      annotations: [],
      modifiers: modifiersOf(ctx, param),
      start: param.start,
      end: param.end,
    })),
  )
}
