/** Keys that are put in by a function that is called when they were missing: `(await this.create(id))`. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { type Insert, type Lookup, lookupsIn, putInto } from "./lookups.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { courseOf, runsInPlace, yieldBetween } from "../program/yields.ts"

export interface CalledInsert extends Insert {
  readonly at: Call
  /** What is waited for before the key is in. */
  readonly gap: Node
}

/** The first call after a missing key that puts one in, after it has waited and without asking again. */
export function calledInsert(program: Program, file: File, lookup: Lookup): CalledInsert | null {
  let found: CalledInsert | null = null
  walk(lookup.region, (node) => {
    if (found || node.end <= lookup.from) return false
    if (node.kind === "function" && !(node.isLambda && runsInPlace(file, node))) return false
    // Who keeps the promise instead of waiting for it shares it with those who come later.
    if (node.kind !== "await" || node.value.kind !== "call" || node.start < lookup.from)
      return undefined
    const call = node.value
    for (const target of resolveCall(program, file, call)) {
      if (target.file !== file || target.fn === lookup.fn || !target.fn.isAsync) continue
      const gap = waitBeforePut(program, file, target.fn, lookup)
      if (gap) found = { at: call, value: call, gap }
    }
    return !found
  })
  return found
}

function waitBeforePut(program: Program, file: File, fn: Func, lookup: Lookup): Node | null {
  if (!fn.body) return null
  const { key } = lookup.state
  const puts: Node[] = []
  walk(fn.body, (node) => {
    if (courseOf(file, node) === fn && putInto(program, file, node)?.key === key) puts.push(node)
  })
  const [at] = puts
  if (!at) return null
  const isAsked = lookupsIn(program, file).some(
    (other) =>
      other.fn === fn &&
      other.state.key === key &&
      other.at.start < at.start &&
      !yieldBetween(program, file, fn, other.at.end, at),
  )
  return isAsked ? null : yieldBetween(program, file, fn, fn.body.start, at)
}
