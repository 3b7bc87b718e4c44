/** From Go's parse tree to the intermediate form. */
import type { Import, SourceUnit } from "../../ir/nodes.ts"
import { Lowering, named, type Grammar } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { DECLARATIONS } from "./declarations.ts"
import { EXPRESSIONS } from "./expressions.ts"
import { importsOf } from "./imports.ts"
import { LITERALS } from "./literals.ts"
import { STATEMENTS } from "./statements.ts"
import { TYPES } from "./typeNames.ts"

const GO: Grammar = {
  table: { ...TYPES, ...LITERALS, ...EXPRESSIONS, ...STATEMENTS, ...DECLARATIONS },
  functions: new Set(["function_declaration", "method_declaration"]),
  types: new Set(),
}

export function lowerGo(root: Syntax, text: string): SourceUnit {
  const to = new Lowering(root, text, GO)
  const imports: Import[] = []
  const body: Syntax[] = []
  let name: string | null = null
  for (const node of named(root)) {
    if (node.type === "package_clause") name = packageOf(node, to) ?? name
    else if (node.type === "import_declaration") imports.push(...importsOf(node, to))
    else body.push(node)
  }
  return {
    language: "go",
    package: name,
    imports,
    body: to.many(body),
    comments: to.comments,
    errors: to.errors,
  }
}

function packageOf(clause: Syntax, to: Lowering): string | null {
  const [name] = named(clause)
  return name ? to.textOf(name) : null
}
