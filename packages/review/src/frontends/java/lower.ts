/** Java's parse tree as the intermediate form. */
import type { Import, SourceUnit } from "../../ir/nodes.ts"
import { childOf, hasToken, Lowering, named, type Grammar } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { declarations, FUNCTIONS } from "./declarations.ts"
import { expressions } from "./expressions.ts"
import { literals } from "./literals.ts"
import { statements } from "./statements.ts"
import { TYPES } from "./typeNames.ts"

const GRAMMAR: Grammar = {
  table: { ...literals, ...expressions, ...statements, ...declarations },
  functions: FUNCTIONS,
  types: TYPES,
}

/** Lowers a tree of tree-sitter-java; it takes every tree, also those of texts that are no Java. */
export function lowerJava(root: Syntax, text: string): SourceUnit {
  const to = new Lowering(root, text, GRAMMAR)
  const imports: Import[] = []
  const body: Syntax[] = []
  let packageName: string | null = null
  for (const node of named(root)) {
    if (node.type === "import_declaration") imports.push(importOf(node, to))
    else if (node.type === "package_declaration") packageName = qualifiedName(node, to)
    else body.push(node)
  }
  return {
    language: "java",
    package: packageName,
    imports,
    body: to.many(body),
    comments: to.comments,
    errors: to.errors,
  }
}

function qualifiedName(node: Syntax, to: Lowering): string {
  const name = childOf(node, "scoped_identifier") ?? childOf(node, "identifier")
  return name ? to.textOf(name).replaceAll(/\s/g, "") : ""
}

/** A static import names the member; its module is the class. */
function importOf(node: Syntax, to: Lowering): Import {
  const path = qualifiedName(node, to)
  const { start, end } = node
  if (childOf(node, "asterisk")) return { module: path, name: "*", local: "*", start, end }
  const dot = path.lastIndexOf(".")
  const name = path.slice(dot + 1)
  const module = hasToken(node, "static") ? path.slice(0, Math.max(dot, 0)) : path
  return { module, name, local: name, start, end }
}
