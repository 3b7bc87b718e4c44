/** Imports of every form, and what a file hands on from another one. */
import type { Import, Node } from "../../ir/nodes.ts"
import { fieldOf, namedOf, type Syntax } from "../syntax.ts"
import { type Context, textOf } from "./context.ts"
import { stringOf } from "./literals.ts"

/** `import … from "x"`, `import x = require("x")`, `import "x"` (which has no local name). */
export function addImport(ctx: Context, node: Syntax): void {
  const clause = namedOf(node).find((child) => /^import_(?:require_)?clause$/.test(child.type))
  const source = fieldOf(node, "source") ?? (clause && fieldOf(clause, "source"))
  if (!source) return
  const add = adder(ctx, node, stringOf(ctx, source).value)
  if (!clause) return add("*", "")
  for (const child of namedOf(clause)) {
    if (child.type === "identifier") {
      add(clause.type === "import_clause" ? "default" : "*", textOf(ctx, child))
    } else if (child.type === "namespace_import") {
      for (const name of namedOf(child)) add("*", textOf(ctx, name))
    } else if (child.type === "named_imports") {
      for (const name of namedOf(child)) addSpecifier(ctx, name, add)
    }
  }
}

/** `export { a as b } from "x"`: the local name is the one that it is exported by, "*" for all of them. */
export function addReexport(ctx: Context, node: Syntax, source: Syntax): void {
  const add = adder(ctx, node, stringOf(ctx, source).value)
  const clause = namedOf(node).find((child) => child.type === "export_clause")
  const namespace = namedOf(node).find((child) => child.type === "namespace_export")
  if (clause) for (const name of namedOf(clause)) addSpecifier(ctx, name, add)
  else add("*", namespace ? namedOf(namespace).map((name) => specified(ctx, name))[0] : "*")
}

/**
 * `const { a: b } = require("x")`, `const x = await import("x")`, `const y = require("x").y`. The declaration stays
 * an assignment of a call.
 * @param left - the pattern or name of the declaration
 */
export function addRequire(ctx: Context, left: Syntax, value: Node): void {
  const at = value.kind === "await" ? value.value : value
  const member = at.kind === "member" ? at : null
  const module = requiredModule(member ? member.object : at)
  if (module === null) return
  const add = adder(ctx, left, module)
  if (left.type === "identifier") return add(member?.name ?? "*", textOf(ctx, left))
  if (left.type !== "object_pattern" || member) return
  for (const child of namedOf(left)) {
    if (child.type === "pair_pattern") {
      const key = fieldOf(child, "key")
      const bound = fieldOf(child, "value")
      const local = bound?.type === "assignment_pattern" ? fieldOf(bound, "left") : bound
      if (key && local?.type === "identifier") add(specified(ctx, key), textOf(ctx, local))
    } else {
      const local = fieldOf(child, "left") ?? child
      const isName = local.type === "shorthand_property_identifier_pattern"
      if (isName) add(textOf(ctx, local), textOf(ctx, local))
    }
  }
}

/** `require("x")` as a statement of its own. */
export function addBareRequire(ctx: Context, statement: Syntax, value: Node): void {
  const module = requiredModule(value)
  if (module !== null) adder(ctx, statement, module)("*", "")
}

/** The module of `require("x")` and `import("x")` where it is written out. */
function requiredModule(node: Node): string | null {
  if (node.kind !== "call" || node.callee.kind !== "name") return null
  if (node.name !== "require" && node.name !== "import") return null
  const module = node.args[0]
  return module?.kind === "string" ? module.value : null
}

type Add = (name: string, local: string | undefined) => void

function adder(ctx: Context, { start, end }: Syntax, module: string): Add {
  return (name, local) => {
    const one: Import = { module, name, local: local ?? name, start, end }
    ctx.imports.push(one)
  }
}

function addSpecifier(ctx: Context, node: Syntax, add: Add): void {
  const name = fieldOf(node, "name")
  if (!name) return
  const alias = fieldOf(node, "alias") ?? name
  add(specified(ctx, name), specified(ctx, alias))
}

/** A name that may be written as a string. */
function specified(ctx: Context, node: Syntax): string {
  return node.type === "string" ? stringOf(ctx, node).value : textOf(ctx, node)
}
