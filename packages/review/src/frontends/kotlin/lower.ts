/** Kotlin's parse tree as the intermediate form. */
import type { Import, SourceUnit } from "../../ir/nodes.ts"
import { childOf, hasToken, Lowering, named, type Grammar } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { declarations } from "./classes.ts"
import { expressions } from "./expressions.ts"
import { FUNCTIONS } from "./functions.ts"
import { lambdas } from "./lambdas.ts"
import { regroup } from "./regroup.ts"
import { statements, statementsIn } from "./statements.ts"
import { literals } from "./strings.ts"
import { identifier, TYPES } from "./typeNames.ts"

const GRAMMAR: Grammar = {
  table: { ...literals, ...expressions, ...lambdas, ...statements, ...declarations },
  functions: FUNCTIONS,
  types: TYPES,
}

/** Lowers a tree of tree-sitter-kotlin; it takes every tree, also those of texts that are no Kotlin. */
export function lowerKotlin(root: Syntax, text: string): SourceUnit {
  const tree = regroup(root, text)
  const to = new Lowering(tree, text, GRAMMAR)
  const imports: Import[] = []
  const body: Syntax[] = []
  let packageName: string | null = null
  for (const node of named(tree)) {
    if (node.type === "import") imports.push(importOf(node, to))
    else if (node.type === "package_header") packageName = pathIn(node, to)
    else if (node.type !== "shebang") body.push(node)
  }
  return {
    language: "kotlin",
    package: packageName,
    imports,
    body: statementsIn(body, to),
    comments: to.comments,
    errors: to.errors,
  }
}

function pathIn(node: Syntax, to: Lowering): string {
  const path = childOf(node, "qualified_identifier")
  const words = path ? path.children.filter((child) => child.type === "identifier") : []
  return words.map((word) => identifier(word, to)).join(".")
}

function importOf(node: Syntax, to: Lowering): Import {
  const module = pathIn(node, to)
  const { start, end } = node
  if (hasToken(node, "*")) return { module, name: "*", local: "*", start, end }
  const name = module.slice(module.lastIndexOf(".") + 1)
  const alias = childOf(node, "identifier")
  return { module, name, local: alias ? identifier(alias, to) : name, start, end }
}
