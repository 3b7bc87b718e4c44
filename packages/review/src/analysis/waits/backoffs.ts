/**
 * Backoffs that are computed in one place and waited for in another, perhaps by another process: a policy's function, a
 * strategy object, the instant of the next attempt that goes into a row.
 */
import { walk } from "../../ir/children.ts"
import type { Assign, Call, Func, Node } from "../../ir/nodes.ts"
import { callersOf } from "../program/definitions.ts"
import { isEntropic, isRandomSource } from "../program/entropy.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { isSelf, ownClassOf } from "../program/resolve.ts"

export interface Backoff {
  readonly fn: Func
  /** Where it grows. */
  readonly at: Node
}

/** How often it was tried. */
const COUNT =
  /^(?:(?:num|number_?of|total|current|prev|previous|consecutive|working|made|done|past|failed|re_?connect(?:ion)?|connect(?:ion)?|restart|dial|send|delivery|poll|sync|safe|clamped|capped|bounded|effective|n)?_?)*(?:attempts?|retries|tries|tried|failures|fails|retry|retry_?(?:counter|count|number|num|attempt|index|no)|(?:failure|fail|error|attempt|try)_?(?:counter|count|number|num|index|no)|retries\w{0,20}|attempts?_?(?:made|so_?far|num\w*))$/i

/** Options that only sound like counts. */
const NO_COUNT = /max|limit|delay|wait|interval|ms$|seconds$|timeout|policy|config|options/i

const DELAY_WORDS = new Set(["backoff", "delay", "wait", "sleep", "pause", "interval", "cooldown"])

/** Options that take a function from how often it was tried to how long to wait: ioredis, axios-retry, TanStack Query. */
const STRATEGY =
  /^(?:(?:cluster|sentinel)?(?:retry|reconnect)_?(?:strategy|delay|backoff)|backoff_?strategy)$/i

/** What such a function may call its count. */
const GIVEN =
  /^(?:[cinxt]|times?|count|counter|num|nth|step|round|iteration|index|tri(?:al|es)|try\w*)$/i

/** The growing backoffs of a file into which no chance flows, in the order of the text. */
export function lockstepBackoffsOf(program: Program, file: File): readonly Backoff[] {
  const found: Backoff[] = []
  for (const fn of file.functions) {
    if (fn.isLambda && file.methodOf(fn) && !STRATEGY.test(fn.name)) continue
    const at = growthIn(file, fn) ?? grownStateIn(file, fn)
    if (at && !isSpread(program, file, fn, at)) found.push({ fn, at })
  }
  return found
}

/** The first expression of a function that makes a delay of a count. */
function growthIn(file: File, fn: Func): Node | null {
  let found: Node | null = null
  const counts = fn.params.some((param) => isCount(param.name))
  const given = countGivenTo(fn)
  walk(fn, (node) => {
    if (found) return false
    if (
      node.kind === "assign" &&
      /^(?:\*=|<<=)$/.test(node.op) &&
      counts &&
      isDelay(node) &&
      saysBackoff(fn.name)
    )
      found = node
    if ((node.kind === "binary" || node.kind === "call") && isGrowth(node, given)) {
      const holder = holderOf(file, node, fn)
      if (holder && namesDelay(holder, fn) && (!isPower(node) || isOfRetry(file, fn)))
        found = holder
    }
    return undefined
  })
  return found
}

/** A power alone may be of anything: what is around it speaks of tries. */
function isOfRetry(file: File, fn: Func): boolean {
  return /retr(?:y|ie)|attempt|back_?off|reconnect|failures/i.test(file.textOf(fn))
}

/**
 * A method that gives the next delay and doubles the one that it keeps: `b.delay *= 2; return b.delay`. The object
 * counts no attempts, its field is the count.
 */
function grownStateIn(file: File, fn: Func): Node | null {
  const owner = ownClassOf(file, fn) ?? ""
  if (fn.isLambda || !fn.body || owner === "") return null
  const isPolicy = /back_?off|retry|reconnect|delay/i.test(owner)
  if (!saysBackoff(fn.name) && !(isPolicy && GIVES_NEXT.test(fn.name))) return null
  let found: Node | null = null
  let returns = false
  walk(fn, (node) => {
    if (node.kind === "return") returns ||= node.value !== null
    if (node.kind === "assign" && !found && growsItself(node) && isOwnField(file, fn, node))
      found = node
    return node === fn || node.kind !== "function"
  })
  return returns ? found : null
}

const GIVES_NEXT =
  /^(?:get|compute|calculate)?_?(?:next|duration|delay|wait|interval|current|increase|advance|pause)/i

/** `d *= 2`, `d += d`, `d = d * factor`, `d = min(d * 2, max)`; a count that goes up by one is none. */
export function growsItself({ op, targets, value }: Assign): boolean {
  const [target] = targets
  const name = target ? dotted(target) : ""
  if (!value || name === "" || !isDelayLike(name)) return false
  if (/^(?:\*=|<<=)$/.test(op)) return true
  if (op === "+=") return dotted(value) === name
  if (op !== "=") return false
  let grows = false
  walk(value, (node) => {
    const ofItself = (side: Node): boolean => dotted(side) === name
    if (node.kind === "binary" && /^(?:\*|<<|\+)$/.test(node.op))
      grows ||=
        node.op === "+"
          ? ofItself(node.left) && ofItself(node.right)
          : ofItself(node.left) || ofItself(node.right)
    if (node.kind === "call" && /^(?:multipliedBy|times|shiftLeft)$/.test(node.name))
      grows ||= node.callee.kind === "member" && ofItself(node.callee.object)
    return !grows
  })
  return grows
}

function isDelayLike(name: string): boolean {
  const words = wordsOf(name.split(".").at(-1)!)
  return words.some(
    (word) => DELAY_WORDS.has(word) || /^(?:cur|current|next|duration|period)$/.test(word),
  )
}

/** A field of the object, not a variable of the method. */
function isOwnField(file: File, fn: Func, { targets, declares }: Assign): boolean {
  const [target] = targets
  if (!target || declares) return false
  if (target.kind === "member")
    return target.object.kind === "name" && isSelf(file, target.object.name, target)
  if (target.kind !== "name" || file.language === "go" || file.language === "python") return false
  const { name } = target
  if (fn.params.some((param) => param.name === name)) return false
  return !file
    .assignmentsTo(name)
    .some((one) => one.declares && one.start >= fn.start && one.end <= fn.end)
}

/** The parameter of a strategy that can be nothing but the count: `retryStrategy: (times) => …`. */
function countGivenTo(fn: Func): string | null {
  if (!STRATEGY.test(fn.name) && !saysBackoff(fn.name)) return null
  return fn.params.find((param) => GIVEN.test(param.name))?.name ?? null
}

/** `2 ** attempt`, `base << attempt`, `Math.pow(2, retries)`, `attempt * base`. */
function isGrowth(node: Node & { kind: "binary" | "call" }, given: string | null): boolean {
  const mentionsCount = (one: Node): boolean => mentionsCountIn(one, given)
  if (isPower(node)) return true
  if (node.kind === "binary") return /^(?:\*|\*\*|<<|shl)$/.test(node.op) && mentionsCount(node)
  return (
    /^(?:pow|Pow|exp2?|Exp2?|shiftLeft|shl|multipliedBy|times)$/.test(node.name) &&
    node.args.some(mentionsCount)
  )
}

/** `2 ** exponent`, `1 << shift`, `Math.pow(2, n)`: a power whose exponent has no name of its own is one of a count. */
function isPower(node: Node & { kind: "binary" | "call" }): boolean {
  const [base, exponent] =
    node.kind === "call" ? node.args : /^(?:\*\*|<<)$/.test(node.op) ? [node.left, node.right] : []
  if (node.kind === "call" && (!/^[pP]ow$/.test(node.name) || node.args.length !== 2)) return false
  return (
    base?.kind === "number" &&
    exponent?.kind === "name" &&
    /^(?:exp|exponent|power|shift|[ikn])$/i.test(exponent.name)
  )
}

/** Whether an expression grows with how often it was tried. */
export function growsByCount(node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "binary" || one.kind === "call") found ||= isGrowth(one, null)
    return !found && one.kind !== "function"
  })
  return found
}

function mentionsCountIn(node: Node, given: string | null): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "name" || one.kind === "member")
      found ||= isCount(one.name) || (one.kind === "name" && one.name === given)
    return !found && one.kind !== "function"
  })
  return found
}

function isCount(name: string): boolean {
  return COUNT.test(name) && !NO_COUNT.test(name)
}

/** The statement that a growth stands in: what it is assigned to, or returned by. */
function holderOf(file: File, node: Node, fn: Func): Node | null {
  let inner: Node = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "assign" || outer.kind === "return") return outer
    // The last of a branch is its value: `return when (policy) { LINEAR -> base * attempt }`.
    const isValue =
      outer.kind === "block" && file.language === "kotlin" && outer.body.at(-1) === inner
    if (outer === fn || (outer.kind === "block" && !isValue)) return null
    inner = outer
  }
  return null
}

function namesDelay(holder: Node, fn: Func): boolean {
  if (saysBackoff(fn.name) || STRATEGY.test(fn.name)) return true
  if (holder.kind === "return") return wordsOf(fn.name).some((word) => DELAY_WORDS.has(word))
  return holder.kind === "assign" && isDelay(holder)
}

function isDelay(assign: Assign): boolean {
  return assign.targets.some((target) => {
    const words = wordsOf(dotted(target).split(".").at(-1)!)
    return (
      words.some((word) => DELAY_WORDS.has(word)) ||
      (words.includes("retry") &&
        words.some((word) => /^(?:next|seconds|secs?|ms|millis)$/.test(word))) ||
      /retryat|waituntil|retryin/.test(words.join(""))
    )
  })
}

function saysBackoff(name: string): boolean {
  return /back_?off|(?:retry|reconnect)\w*(?:delay|wait|interval|time)|(?:delay|wait)\w*(?:retry|attempt)|next_?(?:delay|wait|interval|retry)|^Next$/i.test(
    name,
  )
}

/** Whether chance moves what a function makes, in it, through what it calls, or in those who call it. */
function isSpread(program: Program, file: File, fn: Func, at: Node): boolean {
  if (
    file.calls.some(
      (call) =>
        call.start >= fn.start &&
        call.end <= fn.end &&
        (isRandomSource(file, call) || /jitter|random/i.test(call.name)),
    )
  )
    return true
  if (isEntropic(program, file, at)) return true
  return callersOf(program, { file, fn }).some((caller) =>
    isEntropic(program, caller.file, statementOf(caller.file, caller.call)),
  )
}

function statementOf(file: File, call: Call): Node {
  let at: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "block") break
    at = outer
    if (outer.kind === "assign") break
  }
  return at
}
