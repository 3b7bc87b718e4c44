import type { Node } from "oxc-parser"
import { RUNTIME, storeRooms } from "../levels.ts"
import type { SourceFile } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { walkAst } from "../walkAst.ts"

/** Each store writes its own SQL; what stands elsewhere would have to work on all of them, and would not. */
export const sqlOutsideStores: Rule = {
  name: "sql-outside-stores",
  mend: "Give the Store contract an operation and write the query in each store's sql folder.",
  check(repository) {
    const homes = storeRooms.map((room) => `${RUNTIME}${room}/`)
    return repository.typescript
      .filter(({ path }) => !homes.some((home) => path.startsWith(home)))
      .flatMap(sqlIn)
  },
}

const STATEMENT = new RegExp(
  String.raw`^\s*(?:` +
    [
      String.raw`select\s[^]*\bfrom\s`,
      String.raw`select\s+[\w(*?$]+(?:\s*,|\s*$)`,
      String.raw`(?:insert|replace)\s+(?:or\s+\w+\s+)?into\s`,
      String.raw`update\s+(?:or\s+\w+\s+)?[\w."]+\s+set\s`,
      String.raw`delete\s+from\s`,
      String.raw`with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\)\s*)?as\s+(?:(?:not\s+)?materialized\s*)?\(`,
      String.raw`create\s+(?:temp|temporary|unique|virtual|table|index|trigger|view|schema)\b`,
      String.raw`(?:alter|drop|truncate)\s+(?:table|index|trigger|view|schema)\b`,
      String.raw`pragma\s+\w`,
      String.raw`begin\s+(?:immediate|exclusive|deferred|transaction)\b`,
      String.raw`(?:savepoint|vacuum\s+into|explain\s+query|attach\s+database)\s`,
    ].join("|") +
    ")",
  "i",
)

function sqlIn(file: SourceFile): Finding[] {
  const found: Finding[] = []
  walkAst(file.program, (node) => {
    const text = stringText(node)
    if (text === undefined || !STATEMENT.test(text)) return
    const start = text.trim().split(/\s+/).slice(0, 3).join(" ")
    found.push({ path: file.path, line: file.lineAt(node.start), message: `SQL: "${start} …"` })
  })
  return found
}

/** The text of a string; a template's values stand in it as `?`. */
function stringText(node: Node): string | undefined {
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : undefined
  if (node.type !== "TemplateLiteral") return undefined
  return node.quasis.map(({ value }) => value.cooked ?? value.raw).join("?")
}
