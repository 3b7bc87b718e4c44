/** Variables, exports, namespaces and ambient declarations. */
import type { Assign, Name, Node } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { classOf, enumOf } from "./classes.ts"
import {
  type Binding,
  type Context,
  declaredType,
  hasToken,
  isLambda,
  nameOf,
  textOf,
} from "./context.ts"
import { decoratorsOf, functionOf } from "./functions.ts"
import { addImport, addReexport, addRequire } from "./imports.ts"
import { boundLambda } from "./members.ts"
import { patternOf } from "./patterns.ts"

/** What stands before a declaration: `export`, `default`, `declare`, decorators. */
export type Around = Pick<Binding, "modifiers" | "annotations">

/** A declaration, or null for what is none. Type aliases vanish unless they tell the shape of an object. */
export function declarationOf(ctx: Context, node: Syntax, around: Around = {}): Node[] | null {
  switch (node.type) {
    case "function_declaration":
    case "generator_function_declaration":
    case "function_signature":
      return [functionOf(ctx, node, namedAfter(ctx, node, around))]
    case "class_declaration":
    case "abstract_class_declaration":
    case "interface_declaration":
      return [classOf(ctx, node, namedAfter(ctx, node, around))]
    case "type_alias_declaration":
      return fieldOf(node, "value")?.type === "object_type"
        ? [classOf(ctx, node, namedAfter(ctx, node, around))]
        : []
    case "enum_declaration":
      return [enumOf(ctx, node, namedAfter(ctx, node, around))]
    case "lexical_declaration":
    case "variable_declaration":
    case "using_declaration":
      return variablesOf(ctx, node, around)
    case "variable_declarator":
      return declaratorOf(ctx, node, { start: node.start, isConst: false, around })
    case "module":
    case "internal_module":
      return [namespaceOf(ctx, node)]
    case "ambient_declaration":
      return ambientOf(ctx, node, around)
    case "import_statement":
      addImport(ctx, node)
      return []
    case "import_alias":
      return aliasOf(ctx, node)
    case "export_statement":
      return exportOf(ctx, node)
    default:
      return null
  }
}

function namedAfter(ctx: Context, node: Syntax, around: Around): Binding {
  const name = fieldOf(node, "name")
  return {
    ...around,
    name: name ? textOf(ctx, name) : "",
    nameStart: name?.start ?? node.start,
  }
}

/** One assignment for each declarator; the first begins where the declaration begins. */
function variablesOf(ctx: Context, node: Syntax, around: Around): Node[] {
  const isConst = node.type === "using_declaration" || hasToken(node, "const")
  let { start } = node
  return namedOf(node).flatMap((child) => {
    if (child.type !== "variable_declarator") return ctx.statement(child)
    const declared = declaratorOf(ctx, child, { start, isConst, around })
    start = Number.POSITIVE_INFINITY
    return declared
  })
}

function declaratorOf(
  ctx: Context,
  node: Syntax,
  options: { start: number; isConst: boolean; around: Around },
): Node[] {
  const left = fieldOf(node, "name")
  const right = fieldOf(node, "value")
  if (!left) return namedOf(node).flatMap((child) => ctx.statement(child))
  const { targets, extras } = patternOf(ctx, left)
  const binding = left.type === "identifier" ? boundLambda(targets) : undefined
  const value = right ? ctx.expression(right, binding && { ...binding, ...options.around }) : null
  if (value) addRequire(ctx, left, value)
  const assign: Assign = {
    kind: "assign",
    op: "=",
    declares: true,
    targets,
    value,
    type: declaredType(ctx, node),
    ...(options.isConst && { isConst: true }),
    start: Math.min(options.start, node.start),
    end: node.end,
  }
  return [assign, ...extras]
}

function namespaceOf(ctx: Context, node: Syntax): Node {
  const { type, start, end } = node
  const body = fieldOf(node, "body")
  return { kind: "other", type, children: body ? [ctx.block(body)] : [], start, end }
}

/** `declare …`, also of a whole module. */
function ambientOf(ctx: Context, node: Syntax, around: Around): Node[] {
  const modifiers = [...(around.modifiers ?? []), "declare"]
  return namedOf(node).flatMap((child) => {
    if (child.type === "statement_block") return [ctx.block(child)]
    if (child.type === "property_identifier") return []
    return declarationOf(ctx, child, { ...around, modifiers }) ?? ctx.statement(child)
  })
}

/** `import Short = Long.Name`. */
function aliasOf(ctx: Context, node: Syntax): Node[] {
  const [name, path] = namedOf(node)
  if (!name || !path) return []
  return [exported(node, nameOf(ctx, name), ctx.expression(path), true)]
}

function exportOf(ctx: Context, node: Syntax): Node[] {
  const source = fieldOf(node, "source")
  if (source) {
    addReexport(ctx, node, source)
    return []
  }
  const isDefault = hasToken(node, "default")
  const around: Around = {
    modifiers: isDefault ? ["export", "default"] : ["export"],
    annotations: decoratorsOf(ctx, node),
  }
  const declaration = fieldOf(node, "declaration")
  if (declaration) {
    return declarationOf(ctx, declaration, around) ?? ctx.statement(declaration)
  }
  const value = fieldOf(node, "value")
  if (isDefault && value) return [defaultOf(ctx, node, value, around)]
  const clause = namedOf(node).find((child) => child.type === "export_clause")
  if (clause) return aliasesOf(ctx, clause)
  const held = value ?? namedOf(node).find((child) => child.type !== "decorator")
  // `export as namespace X` names no value of this file.
  if (!held || hasToken(node, "namespace")) return []
  return [exported(node, memberAt(node, "module", "exports"), ctx.expression(held))]
}

/** A function or a class without a name is called `default`; any other value is assigned to `exports.default`. */
function defaultOf(ctx: Context, node: Syntax, value: Syntax, around: Around): Node {
  const own = fieldOf(value, "name")
  const binding: Binding = {
    ...around,
    name: own ? textOf(ctx, own) : "default",
    nameStart: own?.start ?? value.start,
  }
  const lowered = ctx.expression(value, binding)
  if (isLambda(lowered)) return lowered.fn
  if (lowered.kind === "class") return lowered
  return exported(node, memberAt(node, "exports", "default"), lowered)
}

/** `export { a as b }` is `exports.b = a`; names that stay the same need no word. */
function aliasesOf(ctx: Context, clause: Syntax): Node[] {
  return namedOf(clause).flatMap((one) => {
    const name = fieldOf(one, "name")
    const alias = fieldOf(one, "alias")
    if (!name || !alias) return []
    const target = memberAt(alias, "exports", textOf(ctx, alias))
    return [exported(one, target, nameOf(ctx, name))]
  })
}

function memberAt({ start, end }: Syntax, object: string, name: string): Node {
  const held: Name = { kind: "name", name: object, start, end: start }
  return { kind: "member", object: held, name, start, end }
}

function exported({ start, end }: Syntax, target: Node, value: Node, declares = false): Assign {
  const isConst = declares && { isConst: true }
  return {
    kind: "assign",
    op: "=",
    declares,
    targets: [target],
    value,
    type: null,
    ...isConst,
    start,
    end,
  }
}
