/** One more attempt after a failure and a wait, without a loop: `try { f() } catch { delay(d); f() }`. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"

/**
 * The call after a wait that does again what failed before it; null where nothing does.
 * @param failure - the catch's body, or the test of the branch that the wait stands in
 */
export function onceMore(file: File, fn: Func, wait: Call, failure: Node): Call | null {
  const branch = branchOf(file, fn, wait, failure)
  if (!branch) return null
  const before = new Set<string>()
  walk(fn, (node) => {
    if (node.kind === "call" && node.end <= branch.start) before.add(shown(file, node))
    return node.start < branch.start
  })
  let again: Call | null = null
  walk(branch, (node) => {
    if (again || node.kind === "function") return false
    if (node.kind === "call" && node.start >= wait.end && before.has(shown(file, node)))
      again = node
    return undefined
  })
  return again
}

/** What runs only after the failure. */
function branchOf(file: File, fn: Func, wait: Call, failure: Node): Node | null {
  let inner: Node = wait
  for (const outer of file.ancestorsOf(wait)) {
    if (outer === fn) return null
    if (outer.kind === "try" && inner === failure) return inner
    if (outer.kind === "if" && outer.test === failure) return inner
    inner = outer
  }
  return null
}

/** A call with its arguments; one without a name or without a receiver and arguments is told by its name alone. */
function shown(file: File, call: Call): string {
  const args = call.args.map((arg) => file.textOf(arg).replaceAll(/\s+/g, " "))
  return `${dotted(call.callee)}(${args.join(", ")})`
}
