/** Kotlin's `runCatching`, which takes a cancellation for a failure like any other. */
import type { Call, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { isSuspendingParam } from "./cancellations.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { courseOf, isYield } from "../program/yields.ts"

const TELLS = /Cancellation|ensureActive|rethrow|getOrThrow|isActive/i

/** The calls of `runCatching` around what suspends, whose result keeps the cancellation. */
export function caughtResults(program: Program, file: File): readonly Call[] {
  if (file.language !== "kotlin" || !file.text.includes("runCatching")) return []
  return file.calls.filter((call) => {
    const block = call.name === "runCatching" ? call.args.at(-1) : undefined
    if (block?.kind !== "lambda" || !block.fn.body) return false
    const fn = courseOf(file, call)
    // What is done at the end, whatever comes of it, has to be done.
    if (!fn?.isAsync || CLOSES.test(fn.name) || isAfterwards(file, call)) return false
    if (TELLS.test(chainOf(file, call))) return false
    let suspends = false
    walk(block.fn.body, (node) => {
      if (node.kind === "function" && !node.isLambda) return false
      suspends ||= isYield(program, file, node) || isSuspendingParam(file, fn, node)
      return !suspends
    })
    return suspends
  })
}

const CLOSES = /close|stop|shut_?down|clean|dispose|release|cancel|disconnect/i

/** In a clause or a `finally`. */
function isAfterwards(file: File, call: Call): boolean {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "try" && outer.body !== inner) return true
    if (outer.kind === "function" && !outer.isLambda) return false
    inner = outer
  }
  return false
}

/** The call with what is called on its result. */
function chainOf(file: File, call: Call): string {
  let end = call.end
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind !== "call" && outer.kind !== "member") break
    end = outer.end
  }
  return file.text.slice(call.start, end)
}
