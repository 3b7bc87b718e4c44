/** What a call gives is handed on to a lambda: `find(id).map(row -> …)`, `find(id)?.let { row -> … }`, `find(id).then(row => …)`. */
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"

const HANDS = /^(?:map|flatMap|let|also|run|ifPresent|ifPresentOrElse|then|thenApply|thenCompose)$/

/** The names that the lambdas after a call have for what it gave. */
export function handedOn(file: File, call: Call): string[] {
  const names: string[] = []
  let at: Call | null = call
  while (at) {
    at = nextIn(file, at)
    if (!at) break
    if (!HANDS.test(at.name)) {
      // `or(…)`, `filter(…)` pass it on as it is.
      if (/^(?:or|filter|orElseGet|switchIfEmpty|catch)$/.test(at.name)) continue
      break
    }
    const lambda = at.args.find((arg) => arg.kind === "lambda")
    if (lambda?.kind !== "lambda") break
    const [param] = lambda.fn.params
    const name = param?.name ?? (file.language === "kotlin" ? "it" : "")
    if (name !== "") names.push(name)
  }
  return names
}

function nextIn(file: File, call: Call): Call | null {
  const member: Node | null = file.parentOf(call)
  if (member?.kind !== "member" || member.object !== call) return null
  const outer = file.parentOf(member)
  return outer?.kind === "call" && outer.callee === member ? outer : null
}
