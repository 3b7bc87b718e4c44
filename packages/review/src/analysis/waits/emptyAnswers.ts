/** Rounds that ask a store for work, and come round in the same instant when it has none. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { numberOf } from "../program/constants.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { isTold } from "./skippedWaits.ts"
import { targetOf } from "../program/targets.ts"
import { waitOf } from "./waits.ts"

/** What has nothing, and where the round ends then. */
export interface EmptyAnswer {
  readonly asked: Call
  readonly test: Node
  readonly at: Node
}

/** Takes from a list of Redis, which no other thing is called after; their brothers with a `b` wait. */
const POPS = /^(?:[lr]_?pop|zpop_?(?:min|max)|spop)$/i

/**
 * A round whose first step asks, and whose second looks at what came: nothing is done when nothing came, and nothing
 * else waits. `waits` says whether a node waits.
 */
export function emptyAnswerIn(
  file: File,
  statements: readonly Node[],
  waits: (node: Node) => boolean,
  again: Call | null = null,
): EmptyAnswer | null {
  const [first, second, ...rest] = unwrapped(statements)
  if (first?.kind !== "assign" || second?.kind !== "if") return null
  const asked = first.value?.kind === "await" ? first.value.value : first.value
  if (asked?.kind !== "call" || !POPS.test(asked.name)) return null
  const name = first.targets.length === 1 ? dotted(first.targets[0]!) : ""
  const sees = answerSeen(file, second.test, name)
  if (sees === null) return null
  const idle = sees === "nothing" ? second.then : second.otherwise
  const steps = !idle ? [] : idle.kind === "block" ? idle.body : [idle]
  const isAgain = again !== null && steps.some((one) => isStep(one, again))
  if (!isAgain && rest.some(waits)) return null
  const isIdle = steps.every(
    (one) =>
      one.kind === "continue" ||
      isTold(one) ||
      (isAgain && (isStep(one, again) || (one.kind === "return" && !one.value))),
  )
  return isIdle ? { asked, test: second.test, at: steps[0] ?? second.test } : null
}

/** Calls that come back only when there is something. */
const BLOCKING = /^(?:blpop|brpop|bzpopmin|poll|take|wait|await|receive|get|next|read\w*)$/i

/** A query that brings nothing, and `continue`. */
export function emptyQueryIn(
  program: Program,
  file: File,
  statements: readonly Node[],
): EmptyAnswer | null {
  const [first, second, ...rest] = statements
  if (first?.kind !== "assign" || second?.kind !== "if" || second.then.body.length !== 1)
    return null
  const [at] = second.then.body
  if (at?.kind !== "continue" || !isEmptiness(file, second.test)) return null
  const asked = first.value?.kind === "await" ? first.value.value : first.value
  if (asked?.kind !== "call" || !isQuery(file, asked)) return null
  if (targetOf(program, file, asked) !== "remote") return null
  if (rest.some((one) => one.kind === "call" && waitOf(program, file, one))) return null
  return { asked, test: second.test, at }
}

function isEmptiness(file: File, test: Node): boolean {
  return /\.length\s*===?\s*0|len\([^)]*\)\s*==\s*0|isEmpty\(\)|^not \w+$|^!\w+$|==\s*(?:null|nil)|is None|\.empty\(\)|\.size\(\)\s*==\s*0/.test(
    file.textOf(test),
  )
}

/** A query answers at once; a consumer's poll waits. */
function isQuery(file: File, call: Call): boolean {
  return (
    !BLOCKING.test(call.name) &&
    /quer|select|find|fetch|claim|lpop|rpop|zpop|list|load|sql|db|pending|due/i.test(
      dotted(call.callee),
    ) &&
    !/wait|block|timeout/i.test(file.textOf(call))
  )
}

/** The handler of a `try` is of no account where it is all that a round is. */
function unwrapped(statements: readonly Node[]): readonly Node[] {
  const [only] = statements
  return statements.length === 1 && only?.kind === "try" && !only.finalizer
    ? only.body.body
    : statements
}

/** Whether a test asks for nothing or for something in a name. */
function answerSeen(file: File, test: Node, name: string): "nothing" | "something" | null {
  if (!/^\w+$/.test(name)) return null
  const text = file.textOf(test).replace(/^\((.*)\)$/, "$1")
  const nothing = `!${name}|not ${name}|${name} (?:===?|is) (?:null|undefined|None)|null == ${name}`
  if (new RegExp(`^(?:${nothing})$`).test(text)) return "nothing"
  const something = `${name}|${name} (?:!==?|is not) (?:null|undefined|None)`
  return new RegExp(`^(?:${something})$`).test(text) ? "something" : null
}

const AT_ONCE = /^(?:setImmediate|process\.nextTick|queueMicrotask)$/

/** A function that lets itself be called again at once: `setImmediate(poll)`, `setTimeout(() => this.poll(), 0)`. */
export interface Recursion {
  readonly fn: Func
  readonly again: Call
  /** The function's steps but for the one that calls it again. */
  readonly round: readonly Node[]
}

export function recursionsOf(program: Program, file: File): Recursion[] {
  return file.calls.flatMap((again) => {
    const name = dotted(again.callee)
    const isTimer = name === "setTimeout" && isNow(program, file, again)
    if (!AT_ONCE.test(name) && !isTimer) return []
    const fn = file.methodOf(again)
    if (!fn?.body || fn.name === "" || !names(again.args[0], fn.name)) return []
    return [{ fn, again, round: fn.body.body.filter((one) => !isStep(one, again)) }]
  })
}

function isNow(program: Program, file: File, timer: Call): boolean {
  const [, delay] = timer.args
  return delay !== undefined && numberOf(program, file, delay) === 0
}

/** `poll`, `this.poll`, `() => void this.poll()`. */
function names(arg: Node | undefined, name: string): boolean {
  if (arg?.kind === "name" || arg?.kind === "member") return arg.name === name
  if (arg?.kind !== "lambda") return false
  let found = false
  walk(arg, (node) => {
    if (node.kind === "call" && node.name === name) found = true
    return !found
  })
  return found
}

function isStep(statement: Node, call: Call): boolean {
  if (statement === call) return true
  return statement.kind === "return" && statement.value === call
}
