/** The one instant that is kept for an object (an alarm): who reads it before setting it. */
import { walk } from "../../ir/children.ts"
import type { Func } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"

const GETTER =
  /^(?:get|Get|get_|current|peek)_?(?:[aA]larm|[nN]ext_?(?:[rR]un|[fF]ire|[wW]ake\w*)\w*|[wW]ake_?[uU]p\w*)$|^(?:[nN]ext_?(?:[rR]un|[fF]ire|[wW]ake)_?[aA]t)$/

/** Whether a function looks at the pending instant, or keeps the earlier of two. */
export function readsSlot(file: File, fn: Func): boolean {
  let found = false
  walk(fn, (node) => {
    if (
      node.kind === "call" &&
      (GETTER.test(node.name) || /^(?:min|Min|minOf|least|coerceAtMost)$/.test(node.name))
    )
      found = true
    if (
      node.kind === "binary" &&
      /^[<>]=?$/.test(node.op) &&
      /alarm|nextRun|next_run|nextFire|wake/i.test(file.textOf(node))
    )
      found = true
    return !found
  })
  return found
}
