/** Python's imports. They may stand anywhere; the unit has them all, in the order of the text. */
import type { Import } from "../../ir/nodes.ts"
import { childOf, type Lowering } from "../lowering.ts"
import { fieldOf, fieldsOf, type Syntax } from "../syntax.ts"

export const IMPORTS = new Set([
  "import_statement",
  "import_from_statement",
  "future_import_statement",
])

/** Those of a tree. `from m import *` is local as "*". */
export function importsIn(root: Syntax, to: Lowering): Import[] {
  const found: Import[] = []
  const visit = (node: Syntax): void => {
    if (IMPORTS.has(node.type)) found.push(...importsOf(node, to))
    else for (const child of node.children) if (child.isNamed) visit(child)
  }
  visit(root)
  return found
}

function importsOf(node: Syntax, to: Lowering): Import[] {
  const from = fieldOf(node, "module_name")
  const module = from
    ? spaceless(from, to)
    : node.type === "future_import_statement"
      ? "__future__"
      : null
  const star = childOf(node, "wildcard_import")
  if (star && module !== null) {
    return [{ module, name: "*", local: "*", start: star.start, end: star.end }]
  }
  return fieldsOf(node, "name").flatMap((one): Import[] => {
    if (!one.isNamed) return []
    const alias = fieldOf(one, "alias")
    const name = spaceless(fieldOf(one, "name") ?? one, to)
    const local = alias ? to.textOf(alias) : module === null ? firstOf(name) : name
    const { start, end } = one
    return module === null
      ? [{ module: name, name: "*", local, start, end }]
      : [{ module, name, local, start, end }]
  })
}

/** `import a.b` binds a. */
function firstOf(name: string): string {
  return name.split(".")[0]!
}

function spaceless(node: Syntax, to: Lowering): string {
  return to.textOf(node).replace(/\s+/g, "")
}
