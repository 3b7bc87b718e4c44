/** Which tests and branches mean that something went wrong, and which that it went well. */
import type { Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { dotted, wordsOf } from "./names.ts"

const FAILURE_WORDS = new Set([
  "err",
  "error",
  "errors",
  "ex",
  "exc",
  "exception",
  "fail",
  "failed",
  "failure",
  "failures",
  "failing",
  "retry",
  "retryable",
  "retriable",
  "retries",
  "throttled",
  "throttling",
  "unavailable",
  "busy",
  "conflict",
  "deadlock",
  "timeout",
  "timedout",
  "refused",
  "disconnected",
  "transient",
  "temporary",
])

const SUCCESS_WORDS = new Set([
  "ok",
  "success",
  "succeeded",
  "successful",
  "connected",
  "done",
  "ready",
  "acquired",
  "locked",
  "completed",
  "available",
])

export type Verdict = "failure" | "success" | "unknown"

/** What it means when a test holds. */
export function meaningOf(test: Node): Verdict {
  switch (test.kind) {
    case "unary":
      return test.op === "!" || test.op === "not" ? opposite(meaningOf(test.operand)) : "unknown"
    case "binary":
      return meaningOfBinary(test)
    case "call":
      return meaningOfCall(test)
    case "name":
    case "member":
      return meaningOfName(test.name)
    case "await":
      return meaningOf(test.value)
    default:
      return "unknown"
  }
}

function meaningOfBinary(test: Node & { kind: "binary" }): Verdict {
  const { op, left, right } = test
  if (op === "&&" || op === "||") {
    const [a, b] = [meaningOf(left), meaningOf(right)]
    if (op === "&&" && (a === "failure" || b === "failure")) return "failure"
    if (op === "||" && (a === "failure" || b === "failure")) return "failure"
    return a === b ? a : a === "unknown" ? b : b === "unknown" ? a : "unknown"
  }
  const isEqual = /^(?:==|===|is)$/.test(op)
  const isUnequal = /^(?:!=|!==|is not)$/.test(op)
  if (isEqual || isUnequal) {
    if (right.kind === "null" || right.kind === "bool") {
      const whenSet = meaningOf(left)
      const isSet = right.kind === "bool" ? right.value === isEqual : isUnequal
      return isSet ? whenSet : opposite(whenSet)
    }
    if (isStatus(left) && right.kind === "number") {
      const isBad = right.value >= 400
      return isBad === isEqual ? "failure" : "success"
    }
    if (isEqual && saysFailure(test)) return "failure"
    return "unknown"
  }
  // `s.failures > s.threshold`
  if (/^>=?$/.test(op) && /(?:failures|errors)$/i.test(dotted(left))) return "failure"
  if (isStatus(left) && right.kind === "number" && /^>=?$/.test(op))
    return right.value >= 300 ? "failure" : "unknown"
  if (op === "in" && isStatus(left) && isListOfBad(right)) return "failure"
  if ((op === "instanceof" || op === "in") && saysFailure(test)) return "failure"
  return "unknown"
}

/** `errors.Is(err, ErrBusy)`, `isRetryable(err)`, `e.getCode().equals("Throttled")`. */
function meaningOfCall(test: Node & { kind: "call" }): Verdict {
  // That there is nothing is no failure, whatever it is that there is none of.
  if (/^(?:is_?)?(?:empty|null_?or_?empty|blank|null_?or_?blank)$/i.test(test.name))
    return "unknown"
  if (saysFailure(test) || isAmongBad(test)) return "failure"
  return meaningOfName(test.name.replace(/^(?:is|has|get)_?/, ""))
}

function meaningOfName(name: string): Verdict {
  const words = wordsOf(name)
  if (words.some((word) => FAILURE_WORDS.has(word))) return "failure"
  return words.some((word) => SUCCESS_WORDS.has(word)) ? "success" : "unknown"
}

/** `[429, 503].includes(res.status)`, `listOf(502, 503).contains(code)`. */
function isAmongBad({ name, callee, args }: Node & { kind: "call" }): boolean {
  const [asked] = args
  if (!asked || callee.kind !== "member" || !/^(?:includes|contains|has)$/.test(name)) return false
  return isStatus(asked) && isListOfBad(callee.object)
}

/** A list in the code of statuses of failures alone. */
function isListOfBad(node: Node): boolean {
  const items = node.kind === "list" ? node.items : node.kind === "call" ? node.args : []
  if (node.kind === "call" && items.length === 1) return isListOfBad(items[0]!)
  return items.length > 0 && items.every((one) => one.kind === "number" && one.value >= 400)
}

function isStatus(node: Node): boolean {
  return (
    (node.kind === "member" || node.kind === "name" || node.kind === "call") &&
    /status|code$/i.test(node.name)
  )
}

/** Whether anything in an expression speaks of failure: `errors.Is(err, …)`, `"…ThrottledException"`. */
export function saysFailure(node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "name" || one.kind === "member")
      found ||= wordsOf(one.name).some((word) => FAILURE_WORDS.has(word))
    if (one.kind === "string")
      found ||= /exception|throttl|error|unavailable|timeout|busy/i.test(one.value)
    return !found
  })
  return found
}

function opposite(verdict: Verdict): Verdict {
  return verdict === "failure" ? "success" : verdict === "success" ? "failure" : "unknown"
}

/** Whether every way through a block leaves the loop or the function: its last statement does. */
export function leaves(
  body: readonly Node[],
  what: "loop" | "function" | "round" = "loop",
): boolean {
  const last = body.at(-1)
  if (!last) return false
  switch (last.kind) {
    case "return":
    case "throw":
      return true
    case "break":
      return what !== "function"
    case "continue":
      return what === "round"
    case "block":
      return leaves(last.body, what)
    case "if":
      return (
        last.otherwise !== null && leaves(last.then.body, what) && leaves(last.otherwise.body, what)
      )
    case "try":
      return (
        (last.finalizer !== null && leaves(last.finalizer.body, what)) ||
        (leaves(last.body.body, what) && last.catches.every((one) => leaves(one.body.body, what)))
      )
    case "with":
      return leaves(last.body.body, what)
    case "call":
      return /^(?:exit|Exit|Fatal|Fatalf|panic|abort)$/.test(last.name)
    default:
      return false
  }
}
