/** Pauses that are handed to whoever tries again: `retry(5, { n -> Thread.sleep(1000 * n) }) { send() }`. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { wordsOf } from "../program/names.ts"

export interface HandedPause {
  /** The call of the helper. */
  readonly helper: Call
  /** What the helper tries, where it is handed over beside the pause. */
  readonly operation: Call | null
}

const RETRIES = new Set(["retry", "retries", "retrying", "retryable", "attempt", "attempts"])

/** The helper that a lambda is handed to which does nothing but wait; null where it is none. */
export function handedPauseOf(
  file: File,
  fn: Func,
  isAside: (name: string) => boolean,
  wait: Call,
): HandedPause | null {
  if (!fn.isLambda || !isOnlyWait(fn, wait, isAside)) return null
  const lambda = file.parentOf(fn)
  if (lambda?.kind !== "lambda") return null
  const helper = helperOf(file, lambda)
  if (!helper || !wordsOf(helper.name).some((word) => RETRIES.has(word))) return null
  const others = helper.args.filter((arg) => !(arg.start <= lambda.start && lambda.end <= arg.end))
  return { helper, operation: others.map((arg) => triedIn(arg, isAside)).find(Boolean) ?? null }
}

/** The call whose argument, or whose option, a lambda is. */
function helperOf(file: File, lambda: Node): Call | null {
  for (const outer of file.ancestorsOf(lambda)) {
    if (outer.kind === "call") return outer.args.some((arg) => holds(arg, lambda)) ? outer : null
    if (outer.kind !== "named" && outer.kind !== "object") return null
  }
  return null
}

function isOnlyWait(fn: Func, wait: Call, isAside: (name: string) => boolean): boolean {
  let waits = false
  let works = false
  walk(fn, (node) => {
    if (node === wait) waits = true
    else if (node.kind === "call" && !holds(wait, node)) works ||= !isAside(node.name)
    return !works
  })
  return waits && !works
}

function triedIn(arg: Node, isAside: (name: string) => boolean): Call | null {
  if (arg.kind !== "lambda") return null
  let found: Call | null = null
  walk(arg, (node) => {
    if (!found && node.kind === "call" && !isAside(node.name)) found = node
    return found === null
  })
  return found
}

function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}
