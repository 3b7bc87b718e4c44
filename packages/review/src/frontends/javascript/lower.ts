/** From the parse trees of JavaScript, TypeScript, JSX and TSX to the intermediate form. */
import type { Import, SourceUnit } from "../../ir/nodes.ts"
import { namedOf, type Syntax } from "../syntax.ts"
import type { Context } from "./context.ts"
import { readMarks } from "./errors.ts"
import { expressionOf } from "./expressions.ts"
import { regroup } from "./misgrouped.ts"
import { blockOf, statementOf, statementsOf } from "./statements.ts"

/** Lowers a whole file. What the grammar did not understand spoils the function around it and nothing else. */
export function lowerJavaScript(
  root: Syntax,
  text: string,
  language: "javascript" | "typescript",
): SourceUnit {
  const { errors, comments } = readMarks(root)
  const imports: Import[] = []
  const ctx: Context = {
    text,
    imports,
    errors,
    depth: 0,
    expression: (node, binding) => expressionOf(ctx, node, binding),
    statement: (node) => statementOf(ctx, node),
    statements: (nodes, end) => statementsOf(ctx, nodes, end),
    block: (node) => blockOf(ctx, node),
  }
  const top = language === "typescript" ? regroup(root, text) : root
  const body = ctx.statements(namedOf(top), top.end)
  return { language, package: null, imports, body, comments, errors: errors.count }
}
