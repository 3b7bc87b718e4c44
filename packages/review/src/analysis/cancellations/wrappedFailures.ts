/** Kotlin's results and exceptions that are made of whatever was caught, a cancellation too. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { namesCancellation, type Caught } from "./cancellations.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"

/** What is said of it. */
export const WRAPPED =
  "a cancellation is wrapped up like any failure, and the coroutine goes on as if it were not cancelled"

const FAILURES = /(?:failure|failed|error|exception|fail|err)$/i

/** `Result.failure(e)`, `throw ApiException(e)`: what a suspending function makes of everything that it caught. */
export function answerMadeOf(file: File, { fn, clause }: Caught): Node | null {
  if (file.language !== "kotlin" || !isCoroutine(file, fn)) return null
  if (clause.binding === null || namesCancellation(file, clause)) return null
  if (!/^(?:kotlin\.)?(?:Exception|Throwable)$/.test(clause.types[0] ?? "")) return null
  if (/Cancellation|ensureActive|isActive|yield\(/.test(file.textOf(clause.body))) return null
  // What is not wrapped goes on as it came, a cancellation with it.
  if (throwsOn(clause.body, clause.binding)) return null
  let found: Node | null = null
  const holdsIt = (node: Call): boolean =>
    node.args.some((arg) => {
      const value = arg.kind === "named" ? arg.value : arg
      return value.kind === "name" && value.name === clause.binding
    })
  walk(clause.body, (node) => {
    if (found || node.kind === "function") return false
    const call = node.kind === "throw" ? node.value : node
    if (call?.kind !== "call" || !holdsIt(call)) return undefined
    // A class or one of its factories: `timber.error(e)` only tells of it.
    if (
      /^[A-Z]/.test(dotted(call.callee)) &&
      FAILURES.test(call.name) &&
      !/log|timber/i.test(dotted(call.callee))
    )
      found = call
    return undefined
  })
  return found
}

function throwsOn(body: Node, name: string): boolean {
  let found = false
  walk(body, (node) => {
    if (node.kind === "throw" && node.value?.kind === "name" && node.value.name === name)
      found = true
    return !found && node.kind !== "function"
  })
  return found
}

/** A suspending function, or the block of a `launch` or `async`. */
function isCoroutine(file: File, fn: Func): boolean {
  if (fn.isAsync) return true
  const lambda = fn.isLambda ? file.parentOf(fn) : null
  const call = lambda && file.parentOf(lambda)
  return call?.kind === "call" && /^(?:launch|async)$/.test(call.name)
}
