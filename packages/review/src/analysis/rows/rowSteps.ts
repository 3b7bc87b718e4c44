/** Chains of calls: the steps of a query that is built, inwards and outwards. */
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"

/** A call and the calls that are made on its result, outwards. */
export function chainOf(file: File, call: Call): Call[] {
  const chain = [call]
  for (let at: Node = call; ;) {
    const member = file.parentOf(at)
    const outer: Node | null =
      member?.kind === "member" && member.object === at ? file.parentOf(member) : null
    if (outer?.kind !== "call" || outer.callee !== member) return chain
    if (
      /^(?:then|catch|finally|orElse\w*|map|flatMap|ifPresent\w*|let|also|apply|unwrap|toList)$/.test(
        outer.name,
      )
    )
      return chain
    chain.push(outer)
    at = outer
  }
}

/** The steps of a chain from its root to its last call. */
export function stepsOf(call: Call): Call[] {
  const steps: Call[] = []
  for (let at: Node | null = call; at;) {
    if (at.kind === "call") {
      steps.unshift(at)
      at = at.callee
    } else if (at.kind === "member" || at.kind === "index") at = at.object
    else if (at.kind === "await") at = at.value
    else at = null
  }
  return steps
}
