/** Java's expressions. */
import type { Block, Call, Func, Node, Param } from "../../ir/nodes.ts"
import {
  block,
  boundTo,
  childOf,
  hasToken,
  lastName,
  named,
  nameNode,
  other,
  type Lowering,
  type Table,
} from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"
import { classBodyOf } from "./declarations.ts"
import { annotationAsValue, elementValuePair } from "./modifiers.ts"
import { paramsOf, typeText } from "./parameters.ts"
import { typeAsValue, typeName } from "./typeNames.ts"

export const expressions: Table = {
  identifier: lowerName,
  underscore_pattern: lowerName,
  this: lowerName,
  super: lowerName,
  scoped_identifier: lowerScoped,
  parenthesized_expression: (node, to) => to.inside(node),
  cast_expression: (node, to) => part(node, "value", to),
  assignment_expression: lowerAssignment,
  update_expression: lowerUpdate,
  binary_expression: lowerBinary,
  unary_expression: lowerUnary,
  instanceof_expression: lowerInstanceof,
  ternary_expression: lowerTernary,
  lambda_expression: lowerLambda,
  field_access: lowerFieldAccess,
  array_access: lowerArrayAccess,
  method_invocation: lowerInvocation,
  object_creation_expression: lowerCreation,
  explicit_constructor_invocation: lowerConstructorInvocation,
  method_reference: lowerMethodReference,
  class_literal: lowerClassLiteral,
  array_creation_expression: lowerArrayCreation,
  array_initializer: lowerList,
  element_value_array_initializer: lowerList,
  template_expression: lowerTemplateCall,
  annotation: annotationAsValue,
  marker_annotation: annotationAsValue,
  element_value_pair: elementValuePair,
  type_pattern: lowerTypePattern,
  record_pattern_component: lowerTypePattern,
  record_pattern: lowerRecordPattern,
}

/** The node that fills a field; a hole where the parser found none. */
function part(node: Syntax, field: string, to: Lowering): Node {
  const child = fieldOf(node, field)
  return child ? to.lower(child) : other({ start: node.end, end: node.end }, "missing", [])
}

function lowerName(node: Syntax, to: Lowering): Node {
  return nameNode(node, to.textOf(node))
}

function lowerScoped(node: Syntax, to: Lowering): Node {
  const name = fieldOf(node, "name")
  const { start, end } = node
  return {
    kind: "member",
    object: part(node, "scope", to),
    name: name ? to.textOf(name) : "",
    start,
    end,
  }
}

function lowerAssignment(node: Syntax, to: Lowering): Node {
  const target = part(node, "left", to)
  const value = boundTo(lastName(target), part(node, "right", to))
  const op = fieldOf(node, "operator")?.type ?? "="
  return assign(node, op, target, value)
}

function lowerUpdate(node: Syntax, to: Lowering): Node {
  const one: Node = { kind: "number", value: 1, start: node.start, end: node.end }
  const operand = named(node)[0]
  if (!operand) return other(node, node.type, [])
  return assign(node, hasToken(node, "++") ? "+=" : "-=", to.lower(operand), one)
}

function assign(at: Syntax, op: string, target: Node, value: Node): Node {
  const { start, end } = at
  return { kind: "assign", op, declares: false, targets: [target], value, type: null, start, end }
}

function lowerBinary(node: Syntax, to: Lowering): Node {
  const op = fieldOf(node, "operator")?.type ?? ""
  const [left, right] = [part(node, "left", to), part(node, "right", to)]
  return { kind: "binary", op, left, right, start: node.start, end: node.end }
}

function lowerUnary(node: Syntax, to: Lowering): Node {
  const op = fieldOf(node, "operator")?.type ?? ""
  return { kind: "unary", op, operand: part(node, "operand", to), start: node.start, end: node.end }
}

/** `x instanceof Foo f`: what is bound is declared on the right, with its type. */
function lowerInstanceof(node: Syntax, to: Lowering): Node {
  const [type, name] = [fieldOf(node, "right"), fieldOf(node, "name")]
  let right: Node
  if (type && name) right = declared({ start: type.start, end: name.end }, type, name, to)
  else right = type ? typeAsValue(type, to) : part(node, "pattern", to)
  const { start, end } = node
  return { kind: "binary", op: "instanceof", left: part(node, "left", to), right, start, end }
}

/** `Foo f` in a pattern. */
function lowerTypePattern(node: Syntax, to: Lowering): Node | readonly Node[] {
  const [type, name] = named(node)
  return type && name ? declared(node, type, name, to) : to.inside(node)
}

function declared(
  at: { start: number; end: number },
  type: Syntax,
  name: Syntax,
  to: Lowering,
): Node {
  return {
    kind: "assign",
    op: "=",
    declares: true,
    targets: [nameNode(name, to.textOf(name))],
    value: null,
    type: typeText(type, name, to),
    start: at.start,
    end: at.end,
  }
}

function lowerRecordPattern(node: Syntax, to: Lowering): Node {
  const [type, body] = named(node)
  return other(node, node.type, [
    ...(type ? [typeAsValue(type, to)] : []),
    ...(body ? to.inside(body) : []),
  ])
}

function lowerTernary(node: Syntax, to: Lowering): Node {
  return {
    kind: "conditional",
    test: part(node, "condition", to),
    then: part(node, "consequence", to),
    otherwise: part(node, "alternative", to),
    start: node.start,
    end: node.end,
  }
}

function lowerLambda(node: Syntax, to: Lowering): Node {
  const [params, body] = [fieldOf(node, "parameters"), fieldOf(node, "body")]
  const fn: Func = {
    kind: "function",
    name: "",
    nameStart: node.start,
    params: params ? lambdaParams(params, to) : [],
    result: null,
    body: body ? lambdaBody(body, to) : null,
    isAsync: false,
    isLambda: true,
    receiver: null,
    annotations: [],
    modifiers: [],
    start: node.start,
    end: node.end,
  }
  return { kind: "lambda", fn, start: node.start, end: node.end }
}

function lambdaParams(node: Syntax, to: Lowering): readonly Param[] {
  if (node.type === "formal_parameters") return paramsOf(node, to)
  const names = node.type === "inferred_parameters" ? named(node) : [node]
  return names.map((name) => {
    return { name: to.textOf(name), type: null, value: null, start: name.start, end: name.end }
  })
}

function lambdaBody(node: Syntax, to: Lowering): Block {
  if (node.type === "block") return block(node, to.inside(node))
  const { start, end } = node
  return block(node, [{ kind: "return", value: to.lower(node), implicit: true, start, end }])
}

/** `a.b`, `Outer.this`, `Outer.super.b`. */
function lowerFieldAccess(node: Syntax, to: Lowering): Node {
  const name = fieldOf(node, "field")
  const object = throughSuper(node, part(node, "object", to))
  return {
    kind: "member",
    object,
    name: name ? to.textOf(name) : "",
    start: node.start,
    end: node.end,
  }
}

/** The `super` between an outer name and a member has no field of its own. */
function throughSuper(node: Syntax, object: Node): Node {
  const between = node.children.find((child) => child.type === "super" && child.field === null)
  if (!between) return object
  return { kind: "member", object, name: "super", start: object.start, end: between.end }
}

function lowerArrayAccess(node: Syntax, to: Lowering): Node {
  const [object, index] = [part(node, "array", to), part(node, "index", to)]
  return { kind: "index", object, index, start: node.start, end: node.end }
}

function lowerInvocation(node: Syntax, to: Lowering): Node {
  const [name, object] = [fieldOf(node, "name"), fieldOf(node, "object")]
  const word = name ? to.textOf(name) : ""
  let callee: Node = nameNode(name ?? node, word)
  if (object) {
    const end = name?.end ?? object.end
    callee = {
      kind: "member",
      object: throughSuper(node, to.lower(object)),
      name: word,
      start: node.start,
      end,
    }
  }
  return call(node, callee, argumentsOf(node, to))
}

function argumentsOf(node: Syntax, to: Lowering): readonly Node[] {
  const list = fieldOf(node, "arguments")
  return list ? to.inside(list) : []
}

function call(at: Syntax, callee: Node, args: readonly Node[]): Call {
  return { kind: "call", callee, name: lastName(callee), args, start: at.start, end: at.end }
}

/** `new Foo(x) { … }` and `outer.new Inner()`. */
function lowerCreation(node: Syntax, to: Lowering): Node {
  const type = fieldOf(node, "type")
  let callee: Node = type ? typeAsValue(type, to) : nameNode(node, "")
  const outer = named(node)[0]
  if (outer && outer !== type && node.children[0] === outer) {
    const { start, end } = callee
    callee = {
      kind: "member",
      object: to.lower(outer),
      name: lastName(callee),
      start: Math.min(start, outer.start),
      end,
    }
  }
  const created: Call = { ...call(node, callee, argumentsOf(node, to)), isNew: true }
  const body = childOf(node, "class_body")
  if (!body) return created
  return { ...created, body: classBodyOf(body, type ? [typeName(type, to)] : [], to) }
}

/** `this(…)` and `super(…)` at the head of a constructor. */
function lowerConstructorInvocation(node: Syntax, to: Lowering): Node {
  const [object, word] = [fieldOf(node, "object"), fieldOf(node, "constructor")]
  const name = word ? to.textOf(word) : ""
  let callee: Node = nameNode(word ?? node, name)
  if (object) {
    callee = {
      kind: "member",
      object: to.lower(object),
      name,
      start: object.start,
      end: word?.end ?? object.end,
    }
  }
  return call(node, callee, argumentsOf(node, to))
}

/** `this::run`, `Foo::new`: a member, not a call. */
function lowerMethodReference(node: Syntax, to: Lowering): Node {
  const object = node.children[0]
  const last = node.children.at(-1)
  const name = last ? to.textOf(last) : ""
  if (!object) return other(node, node.type, [])
  const { start, end } = node
  return { kind: "member", object: typeOrValue(object, to), name, start, end }
}

function typeOrValue(node: Syntax, to: Lowering): Node {
  return /type/.test(node.type) ? typeAsValue(node, to) : to.lower(node)
}

function lowerClassLiteral(node: Syntax, to: Lowering): Node {
  const type = node.children[0]
  if (!type) return other(node, node.type, [])
  return {
    kind: "member",
    object: typeAsValue(type, to),
    name: "class",
    start: node.start,
    end: node.end,
  }
}

/** `new int[] { 1 }` is a list; `new byte[16]` is an `other` with its sizes. */
function lowerArrayCreation(node: Syntax, to: Lowering): Node {
  const value = fieldOf(node, "value")
  if (value) return { ...lowerList(value, to), start: node.start, end: node.end }
  const sizes = node.children.filter((child) => child.type === "dimensions_expr")
  return other(
    node,
    node.type,
    sizes.flatMap((size) => to.inside(size)),
  )
}

function lowerList(node: Syntax, to: Lowering): Node {
  return { kind: "list", items: to.inside(node), start: node.start, end: node.end }
}

/** `STR."…"`. */
function lowerTemplateCall(node: Syntax, to: Lowering): Node {
  const callee = part(node, "template_processor", to)
  return { ...call(node, callee, [part(node, "template_argument", to)]), isTagged: true }
}
