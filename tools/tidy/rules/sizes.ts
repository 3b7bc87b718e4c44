import type { Node } from "oxc-parser"
import { isFunction } from "../globalReferences.ts"
import type { SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { walkAst } from "../walkAst.ts"

const FILE_LINES = 400
const FUNCTION_LINES = 70

/** A file holds one idea that a reader can name. */
export const fileSize: Rule = {
  name: "file-size",
  mend: `Split the file by ideas; above ${FILE_LINES} lines it needs a reason in tools/tidy/allowances.ts.`,
  check(repository) {
    return repository.typescript
      .filter(({ path }) => !path.includes("/generated/"))
      .flatMap(({ path, lines: { length } }) =>
        length <= FILE_LINES
          ? []
          : [{ path, line: FILE_LINES + 1, message: `${length} lines`, size: length }],
      )
  },
}

/** A function is read in one piece. */
export const functionSize: Rule = {
  name: "function-size",
  mend: `Keep the control flow and move computing into named functions; the limit is ${FUNCTION_LINES} lines.`,
  check(repository) {
    return repository.typescript.flatMap(largeFunctions)
  },
}

function largeFunctions(file: SourceFile): Finding[] {
  const found: Finding[] = []
  walkAst(file.program, (node, above) => {
    if (!isFunction(node) || isSuite(node, above)) return
    const line = file.lineAt(node.start)
    const size = file.lineAt(node.end) - line + 1
    if (size <= FUNCTION_LINES) return
    const item = functionName(node, above)
    found.push({ path: file.path, line, message: `${item} has ${size} lines`, item, size })
  })
  return found
}

/** The callback of `describe(…)` and `describe.each(…)(…)` is a heading over tests, not a piece of logic. */
function isSuite(node: Node, [parent]: readonly Node[]): boolean {
  if (parent?.type !== "CallExpression" || parent.callee === node) return false
  let callee: Node = parent.callee
  while (callee.type !== "Identifier") {
    if (callee.type === "CallExpression") callee = callee.callee
    else if (callee.type === "MemberExpression") callee = callee.object
    else return false
  }
  return callee.name === "describe"
}

function functionName(node: Node, [parent]: readonly Node[]): string {
  if ("id" in node && node.id?.type === "Identifier") return node.id.name
  if (parent?.type === "VariableDeclarator" && parent.id.type === "Identifier")
    return parent.id.name
  const key = parent !== undefined && "key" in parent ? parent.key : undefined
  if (key?.type === "Identifier") return key.name
  if (key?.type === "PrivateIdentifier") return `#${key.name}`
  return "a function"
}
