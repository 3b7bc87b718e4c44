import { REVIEW, RUNTIME } from "../levels.ts"
import type { SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { walkAst } from "../walkAst.ts"

/**
 * The build rewrites `.ts` in imports and nowhere else: `new URL("./beat.ts", import.meta.url)` names a file
 * that the published package does not hold where it is looked for.
 */
export const builtUrls: Rule = {
  name: "built-urls",
  mend: "Take the extension of the file that runs: new URL(`./beat${extname(import.meta.url)}`, import.meta.url).",
  check(repository) {
    return repository.typescript
      .filter(
        ({ path, isTestCode }) =>
          !isTestCode && PUBLISHED.some((folder) => path.startsWith(folder)),
      )
      .flatMap(sourceUrls)
  },
}

const PUBLISHED = [RUNTIME, REVIEW]

function sourceUrls(file: SourceFile): Finding[] {
  const found: Finding[] = []
  walkAst(file.program, (node) => {
    if (node.type !== "NewExpression" || node.callee.type !== "Identifier") return
    const [specifier] = node.arguments
    if (node.callee.name !== "URL" || specifier?.type !== "Literal") return
    if (typeof specifier.value !== "string" || !specifier.value.endsWith(".ts")) return
    const message = `${specifier.value} is ${specifier.value.replace(/ts$/, "js")} once built`
    found.push({ path: file.path, line: file.lineAt(node.start), message })
  })
  return found
}
