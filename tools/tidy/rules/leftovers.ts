import type { Node } from "oxc-parser"
import type { SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { walkAst } from "../walkAst.ts"

/** What was meant to be finished before it was committed. */
export const leftovers: Rule = {
  name: "leftovers",
  mend: "Finish it, or write an issue and take the mark out; run the whole suite.",
  check(repository) {
    return repository.files.flatMap((file) => {
      if (file.path.endsWith(".ts")) return [...marksInComments(file), ...narrowedTests(file)]
      if (/\.(?:sql|sh|ya?ml)$/.test(file.path)) return marksInLines(file)
      return []
    })
  },
}

const MARK = /\b(?:TODO|FIXME|XXX|HACK)\b/

function marksInComments(file: SourceFile): Finding[] {
  return file.comments.flatMap(({ value, start }) => {
    const mark = MARK.exec(value)
    if (mark === null) return []
    // The comment's text begins after its two opening characters.
    return [at(file, file.lineAt(start + 2 + mark.index), `${mark[0]} in a comment`)]
  })
}

function marksInLines(file: SourceFile): Finding[] {
  return file.lines.flatMap((line, index) => {
    const comment = /(?:--|#)(.*)/.exec(line)?.[1]
    const mark = comment === undefined ? null : MARK.exec(comment)
    return mark === null ? [] : [at(file, index + 1, `${mark[0]} in a comment`)]
  })
}

const TEST_WORDS = new Set(["test", "it", "describe", "suite", "bench"])
const NARROWING = new Set(["only", "skip", "todo", "fails"])

/** `test.only`, `describe.concurrent.skip`; a condition such as `test.skipIf(…)` says why and may stay. */
function narrowedTests(file: SourceFile): Finding[] {
  const found: Finding[] = []
  walkAst(file.program, (node) => {
    if (node.type !== "MemberExpression" || node.property.type !== "Identifier") return
    const word = node.property.name
    if (NARROWING.has(word) && TEST_WORDS.has(rootName(node.object))) {
      found.push(at(file, file.lineAt(node.property.start), `.${word} on a test`))
    }
  })
  return found
}

function rootName(node: Node): string {
  let root = node
  while (root.type === "MemberExpression") root = root.object
  return root.type === "Identifier" ? root.name : ""
}

function at(file: SourceFile, line: number, message: string): Finding {
  return { path: file.path, line, message }
}
