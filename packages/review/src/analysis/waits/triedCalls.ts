/** Which call it is that is tried again. */
import type { Call, Func, Loop, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { dotted } from "../program/names.ts"

/** Calls that are never what is tried: logging, time, arithmetic, questions. */
export const ASIDE =
  /^(?:_?log(?:_\w+|[A-Z]\w*)?|debug|info|warn|warning|error|print|println|printf|Printf|Println|Errorf|URL|URLSearchParams|Date|Headers|FormData|AbortController|Promise|Number|Map|Set|sleep|pow|min|max|range|format|currentThread|is[A-Z]\w*|now|nanoTime|currentTimeMillis|len|append|make|String|valueOf|toString|Duration|Since|Until|After|Done|Err|new\w*Exception|Error)$/

/** The call that is tried: the first of the loop's `try`, or the one whose error is looked at; one that is awaited before others. */
export function operationIn(loop: Loop | Func, wait: Call): Call | null {
  let tried: Call | null = null
  let checked: Call | null = null
  let awaited: Call | null = null
  let first: Call | null = null
  walk(loop, (node) => {
    if (node === wait || (node.kind === "function" && node !== loop && !node.isLambda)) return false
    if (node.kind === "try" && !tried) tried = firstCall(node.body, true) ?? firstCall(node.body)
    if (
      node.kind === "assign" &&
      node.value &&
      !checked &&
      node.targets.some((target) => /^err(?:or)?$/i.test(dotted(target)))
    ) {
      checked = firstCall(node.value)
    }
    const waited = awaitedBy(node)
    if (waited && waited !== wait && !ASIDE.test(waited.name)) awaited ??= waited
    if (
      node.kind === "call" &&
      !first &&
      !ASIDE.test(node.name) &&
      !/^(?:log|debug|info|warn|warning|error|print|println|Printf|Errorf)$/i.test(node.name)
    )
      first = node
    return undefined
  })
  return tried ?? checked ?? awaited ?? first
}

/** `await send()`, Python's `async with session.post(url) as response`. */
function awaitedBy(node: Node): Call | null {
  const value =
    node.kind === "await"
      ? node.value
      : node.kind === "with" && node.isAsync
        ? node.resources[0]?.value
        : null
  return value?.kind === "call" ? value : null
}

function firstCall(node: Node, isAwaited = false): Call | null {
  let found: Call | null = null
  walk(node, (one) => {
    const call = isAwaited ? awaitedBy(one) : one
    if (!found && call?.kind === "call" && !ASIDE.test(call.name)) found = call
    return !found
  })
  return found
}
