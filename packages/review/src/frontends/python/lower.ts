/** From Python's parse tree to the intermediate form. */
import type { SourceUnit } from "../../ir/nodes.ts"
import { Lowering, named, other, type Grammar } from "../lowering.ts"
import type { Syntax } from "../syntax.ts"
import { DECLARATIONS } from "./declarations.ts"
import { EXPRESSIONS } from "./expressions.ts"
import { IMPORTS, importsIn } from "./imports.ts"
import { MATCH } from "./match.ts"
import { STATEMENTS } from "./statements.ts"
import { STRINGS } from "./strings.ts"

const PYTHON: Grammar = {
  table: {
    ...STRINGS,
    ...EXPRESSIONS,
    ...STATEMENTS,
    ...MATCH,
    ...DECLARATIONS,
    // Inside a body an import is a statement that does something; its names are with the unit.
    ...Object.fromEntries(
      [...IMPORTS].map((type) => [type, (node: Syntax) => other(node, type, [])]),
    ),
  },
  functions: new Set(["function_definition"]),
  types: new Set(["type_parameter"]),
}

export function lowerPython(root: Syntax, text: string): SourceUnit {
  const to = new Lowering(root, text, PYTHON)
  return {
    language: "python",
    package: null,
    imports: importsIn(root, to),
    body: to.many(named(root).filter((one) => !IMPORTS.has(one.type))),
    comments: to.comments,
    errors: to.errors,
  }
}
