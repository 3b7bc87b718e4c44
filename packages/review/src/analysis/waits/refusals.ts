/** Answers that refuse a request for good, and what a retry makes of them. */
import type { Call, Catch, If, Node, Switch, Try } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"

const STATUS = /^(?:status|status_?code|getStatusCode|code|http_?status|statusCode|getCode)$/i
const FINE = /^(?:ok|is_?success(?:ful)?|isSuccessStatusCode|is2xxSuccessful)$/i

/** Statuses that may go away by themselves. */
const PASSING = new Set([408, 423, 425, 429])

/** `!response.ok`, `status != 200`, `status >= 400`, `status === 401`: true of an answer that refuses for good. */
function isRefusal(test: Node): boolean {
  switch (test.kind) {
    case "unary":
      return /^(?:!|not)$/.test(test.op) && isFine(test.operand)
    case "binary": {
      const { op, left, right } = test
      if (op === "||" || op === "or") return isRefusal(left) || isRefusal(right)
      // `!res.ok && res.status >= 500` is of a part of them.
      if (op === "&&" || op === "and") return isRefusal(left) && isRefusal(right)
      if (!isStatus(left)) return false
      if (/^(?:!=|!==)$/.test(op)) return isOk(right)
      if (right.kind !== "number") return false
      if (/^(?:>=|>)$/.test(op)) return right.value >= 299 && right.value <= 400
      if (/^(?:==|===)$/.test(op))
        return right.value >= 400 && right.value < 500 && !PASSING.has(right.value)
      return false
    }
    default:
      return false
  }
}

/** `strings.HasPrefix(status, "2")` */
function isOfTwoHundreds({ name, callee, args }: Call): boolean {
  if (!/^(?:HasPrefix|startsWith|startswith)$/.test(name)) return false
  const [first, second] = args
  const on = second ? first : callee.kind === "member" ? callee.object : undefined
  const prefix = second ?? first
  return (
    on !== undefined && isStatus(on) && prefix?.kind === "string" && prefix.value.startsWith("2")
  )
}

/** `response.ok`, `status == 200`: true of an answer that went well, and of no other. */
function isFine(test: Node): boolean {
  switch (test.kind) {
    case "member":
      return FINE.test(test.name)
    case "name":
      // Go's `ok` is of a map or a channel.
      return test.name !== "ok" && FINE.test(test.name)
    case "call":
      return isOfTwoHundreds(test) || FINE.test(test.name.replace(/^get/, ""))
    case "binary": {
      const { op, left, right } = test
      if (op === "&&" || op === "and") return isFine(left) || isFine(right)
      if (/^(?:==|===)$/.test(op)) return isStatus(left) && isOk(right)
      return /^<$/.test(op) && isStatus(left) && right.kind === "number" && right.value <= 400
    }
    default:
      return false
  }
}

function isStatus(node: Node): boolean {
  return (
    (node.kind === "member" || node.kind === "name" || node.kind === "call") &&
    STATUS.test(node.name)
  )
}

function isOk(node: Node): boolean {
  if (node.kind === "number") return node.value >= 200 && node.value < 300
  return /(?:StatusOK|HTTP_OK|SC_OK|HttpStatus(?:Code)?\.OK|codes\.ok|StatusCreated)$/.test(
    dotted(node),
  )
}

/**
 * The place in a `try` where a refused request becomes an exception like any other: `if (!res.ok) throw …`,
 * `response.raise_for_status()`. Null where statuses are looked at more closely before.
 */
export function refusalThrown(file: File, tried: Try): Node | null {
  let found: Node | null = null
  let isSorted = false
  walk(tried.body, (node) => {
    if (node.kind === "function") return false
    if (node.kind === "call" && node.name === "raise_for_status") found ??= node
    if (node.kind !== "if") return undefined
    if (isRefusal(node.test) && throws(node)) found ??= node
    else if (endsWork(node) && sortsStatuses(file, node.test)) isSorted = true
    return undefined
  })
  return isSorted ? null : found
}

/** The branch ends by throwing, whatever it tells before. */
function throws({ then }: If): boolean {
  const last = then.body.at(-1)
  return last?.kind === "throw" && last.value !== null
}

/** `if (status >= 400 && status < 500) return …`: whoever is refused leaves the loop. */
function endsWork({ then }: If): boolean {
  const last = then.body.at(-1)
  return last?.kind === "return" || last?.kind === "break"
}

function sortsStatuses(file: File, test: Node): boolean {
  const text = file.textOf(test)
  if (!/status|code/i.test(text)) return false
  return /\b(?:40[0-3]|422|499|500)\b|client|permanent|retry/i.test(text)
}

/**
 * In a loop: the test that only an answer that went well gets past, when no other test looks at the status, so that
 * all others are tried again alike.
 */
export function onlyFineLeaves(file: File, around: Node): Node | null {
  let found: Node | null = null
  let others = false
  walk(around, (node) => {
    if (node.kind === "function" && node !== around) return false
    if (node.kind === "switch") others ||= isOfAnswers(file, node)
    if (node.kind !== "if" && node.kind !== "conditional") return undefined
    if (node.kind === "if" && isFine(node.test) && leaves(node.then.body)) found ??= node.test
    else if (node.kind === "if" && isRefusal(node.test) && goesRound(node)) found ??= node.test
    else if (/status|code|retry/i.test(file.textOf(node.test))) others = true
    return undefined
  })
  return others ? null : found
}

/** `switch { case err != nil: … case resp.StatusCode >= 500: … }`; a switch over a method asks nothing of an answer. */
function isOfAnswers(file: File, { subject, cases }: Switch): boolean {
  const tests = [subject, ...cases.flatMap((one) => one.tests)]
  return tests.some((one) => one !== null && /status|code|\berr|exception/i.test(file.textOf(one)))
}

/** The branch of a refused request keeps an error and goes on to the wait, or goes round. */
function goesRound({ then }: If): boolean {
  const last = then.body.at(-1)
  if (last?.kind === "continue") return true
  return !leaves(then.body)
}

const ENDS = /Interrupt|Cancel|Exit|Abort/
/** Errors that go away, and are waited for in a clause of their own. */
const PASSES =
  /RateLimit|Time_?d?_?[oO]ut|Connect|Unavailable|Throttl|TooMany|InternalServer|Overloaded/

/** The clause that takes every error of a `try`; clauses that only end the work, or are of what
 * goes away, do not count. */
export function takesAll(tried: Try, isAll: (type: string) => boolean): Catch | null {
  const others = tried.catches.filter(
    ({ types }) =>
      types.length === 0 || !types.every((type) => ENDS.test(type) || PASSES.test(type)),
  )
  const [only] = others
  if (!only || others.length > 1) return null
  return only.types.length === 0 || only.types.some(isAll) ? only : null
}

/** Calls of a node that are not within a function of their own. */
export function callsIn(node: Node): readonly Call[] {
  const found: Call[] = []
  walk(node, (one) => {
    if (one.kind === "function") return false
    if (one.kind === "call") found.push(one)
    return undefined
  })
  return found
}
