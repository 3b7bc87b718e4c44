/**
 * What a wait is for. A retry comes after a failure and does the same again; a poll comes round whatever happened; a
 * deadline is the other arm of a race. Only the first makes a herd of those who failed together.
 */
import type { Call, Catch, Func, Loop, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { isStop } from "./cutShort.ts"
import { callersOf, definitionsOf } from "../program/definitions.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { handedPauseOf } from "./handedPauses.ts"
import { dotted, wordsOf } from "../program/names.ts"
import { onceMore } from "./onceMore.ts"
import type { Program } from "../program/program.ts"
import { resolveCall, resolveFunction } from "../program/resolve.ts"
import { ASIDE, operationIn } from "./triedCalls.ts"
import { isOwner, type Wait } from "./waits.ts"
import {
  countedAttempts,
  countedWithin,
  emptinessOn,
  failureAhead,
  failureBeside,
  failureOn,
  holds,
  leavesAfter,
  pathToLoop,
  type Way,
} from "./ways.ts"

export type Purpose = "retry" | "poll" | "deadline" | "other"

export interface Round {
  readonly purpose: Purpose
  /** The loop, or the function that calls itself again. */
  readonly around: Loop | Func | null
  /** The catch, the test or the loop that says that the wait follows a failure. */
  readonly failure: Node | Catch | null
  /** What is done again. */
  readonly operation: Call | null
}

const NOTHING: Round = { purpose: "other", around: null, failure: null, operation: null }

const ROUNDS = Symbol("purpose of a wait")

/** What a wait is for, with what shows it. */
export function roundOf(program: Program, file: File, wait: Wait): Round {
  return program.memo<Call, Round>(ROUNDS, wait.call, NOTHING, () => {
    if (wait.form === "interval") return { ...NOTHING, purpose: "poll" }
    if (wait.form === "timer" && wait.callback) return ofTimer(program, file, wait)
    const path = pathToLoop(file, wait.call)
    if (isRaced(wait, path) || leadsToDeadline(program, file, wait.delay))
      return { ...NOTHING, purpose: "deadline" }
    return path.loop ? inLoop(wait.call, path) : withoutLoop(program, file, wait.call, path)
  })
}

/** `time.Until(deadline)`, `deadline - now`: over when all of it is over. */
function leadsToDeadline(program: Program, file: File, delay: Node): boolean {
  const valueOf = (node: Node): Node => {
    const [definition, ...others] = node.kind === "name" ? definitionsOf(program, file, node) : []
    return definition?.value && others.length === 0 ? definition.value : node
  }
  let found = false
  const look = (node: Node): boolean => {
    if (node.kind === "call" && node.name === "Until")
      found ||= node.args.some((arg) => /deadline/i.test(dotted(arg)))
    // `max(remaining, 0)` where `remaining = deadline - now`
    if (node.kind === "binary" && node.op === "-") found ||= /deadline/i.test(dotted(node.left))
    if (node.kind === "name" && /^remaining/i.test(node.name)) {
      const value = valueOf(node)
      if (value.kind === "binary") walk(value, look)
    }
    return !found
  }
  walk(valueOf(delay), look)
  return found
}

function inLoop(call: Call, way: Way): Round {
  const loop = way.loop!
  if (leavesAfter(way)) return NOTHING
  if (emptinessOn(way)) return { purpose: "poll", around: loop, failure: null, operation: null }
  const failure =
    failureOn(way) ??
    failureBeside(loop, way.steps) ??
    countedAttempts(loop) ??
    failureAhead(loop, way.steps) ??
    countedWithin(loop) ??
    namedForRetry(call)
  if (!failure) return { purpose: "poll", around: loop, failure: null, operation: null }
  return { purpose: "retry", around: loop, failure, operation: operationIn(loop, call) }
}

/** `delay(retryDelayMs)`, `sleep(reconnectInterval)`: the name of the delay says what it is for. */
function namedForRetry(call: Call): Node | null {
  let found: Node | null = null
  for (const arg of call.args)
    walk(arg, (node) => {
      if ((node.kind === "name" || node.kind === "member") && isRetryDelay(node.name))
        found ??= node
      return found === null && node.kind !== "function"
    })
  return found
}

function isRetryDelay(name: string): boolean {
  const words = wordsOf(name)
  return (
    words.some((word) => /^(?:retry|reconnect|reconnection|redial)$/.test(word)) &&
    words.some((word) => /^(?:delay|wait|interval|backoff|sleep|time|pause|ms|period)$/.test(word))
  )
}

/** A failure, a wait, and the function calls itself again, or its caller does. */
function withoutLoop(program: Program, file: File, call: Call, way: Way): Round {
  const { fn } = way
  const failure = failureOn(way)
  if (!fn) return NOTHING
  const handed = handedPauseOf(file, fn, (name) => BESIDE_A_WAIT.test(name), call)
  if (handed)
    return { ...NOTHING, purpose: "retry", failure: handed.helper, operation: handed.operation }
  if (emptinessOn(way))
    return isCalledAround(program, file, fn) ? { ...NOTHING, purpose: "poll", around: fn } : NOTHING
  const again = failure ? null : triesAgain(fn, call)
  if (again) return { purpose: "retry", around: fn, failure: null, operation: again }
  if (!failure) return isOnlyAWait(file, fn, call) ? asItsCaller(program, file, fn) : NOTHING
  if (callsItself(file, fn, call)) {
    return { purpose: "retry", around: fn, failure, operation: operationIn(fn, call) }
  }
  const more = onceMore(file, fn, call, failure)
  if (more && !ASIDE.test(more.name) && !BESIDE_A_WAIT.test(more.name))
    return { ...NOTHING, purpose: "retry", failure, operation: more }
  for (const caller of callersOf(program, { file, fn })) {
    const outer = pathToLoop(caller.file, caller.call)
    if (outer.loop)
      return { purpose: "retry", around: fn, failure, operation: operationIn(fn, call) }
    const above = outer.fn
    if (
      above &&
      callersOf(program, { file: caller.file, fn: above }).some(
        (one) => pathToLoop(one.file, one.call).loop,
      )
    ) {
      return { purpose: "retry", around: fn, failure, operation: operationIn(fn, call) }
    }
  }
  return NOTHING
}

/** `retrySending() { delay(backoff); send(message) }`: its name says what follows the wait. */
function triesAgain(fn: Func, wait: Call): Call | null {
  if (
    !/^(?:schedule|do|attempt|try)?_?(?:[rR]etry|[rR]econnect|[rR]esend|[rR]edial)(?![a-z])/.test(
      fn.name,
    )
  )
    return null
  let found: Call | null = null
  walk(fn, (node) => {
    const isNext = node.kind === "call" && node.start > wait.end && !ASIDE.test(node.name)
    if (isNext && !BESIDE_A_WAIT.test(node.name)) found ??= node
    return found === null
  })
  return found
}

function isCalledAround(program: Program, file: File, fn: Func): boolean {
  return callersOf(program, { file, fn }).some(
    (one) => pathToLoop(one.file, one.call).loop !== null,
  )
}

/** A function that only waits: what the wait is for, its caller tells. */
function asItsCaller(program: Program, file: File, fn: Func, depth = 0): Round {
  for (const caller of callersOf(program, { file, fn })) {
    const way = pathToLoop(caller.file, caller.call)
    const round = way.loop ? inLoop(caller.call, way) : NOTHING
    // What stands in another file is not shown as if it stood in this one.
    if (round.purpose === "retry")
      return caller.file === file ? round : { ...NOTHING, purpose: "retry", around: fn }
    // `delayIfNeeded() { if (…) { this.delay(); this.increase() } }`
    if (!way.loop && way.fn && depth < 2 && isOnlyAWait(caller.file, way.fn, caller.call)) {
      const above = asItsCaller(program, caller.file, way.fn, depth + 1)
      if (above.purpose === "retry") return above
    }
    const failure = way.loop || !way.fn ? null : failureOn(way)
    if (failure && callsItself(caller.file, way.fn!, caller.call))
      return {
        purpose: "retry",
        around: fn,
        failure: caller.file === file ? failure : null,
        operation: null,
      }
  }
  return NOTHING
}

/** Nothing but a wait, a word about it and reckoning: `func (r *retrier) pause() { time.Sleep(r.wait); r.wait *= 2 }`. */
function isOnlyAWait(file: File, fn: Func, wait: Call): boolean {
  let calls = 0
  let statements = 0
  // How long is the caller's affair then, and it is told of it where it calls.
  const told = fn.params.filter((param, place) => !isOwner(file, param, place))
  let isTold = false
  for (const arg of wait.args)
    walk(arg, (node) => {
      if (node.kind === "name") isTold ||= told.some((param) => param.name === node.name)
      return !isTold
    })
  if (isTold) return false
  walk(fn, (node) => {
    if (node.kind === "loop") calls += 100
    if (node.kind === "assign" || node.kind === "if") statements++
    // What is put into a word about the wait is a part of it.
    if (
      node.kind === "call" &&
      /^(?:log\w*|info|warn|debug|error|trace|[A-Z]\w*f)$/.test(node.name)
    )
      return false
    if (node.kind === "call" && !BESIDE_A_WAIT.test(node.name))
      if (node === wait || !/delay|back_?off|interval/i.test(node.name)) calls++
    return undefined
  })
  return calls === 1 && statements <= 6
}

const BESIDE_A_WAIT =
  /^(?:Promise|interrupt|currentThread|log\w*|info|warn|debug|error|trace|[A-Z]\w*f|Duration|Err|Done|Stop|min|max|Min|Max|pow|Pow|int64|float64|Second|Milliseconds|toMillis|of(?:Millis|Seconds)|RuntimeException|Int63n|Float64|random|nextInt|nextLong|nextDouble)$/

function callsItself(file: File, fn: Func, after: Call): boolean {
  if (fn.name === "") return false
  return file.calls.some(
    (call) => call.name === fn.name && call.start > after.start && call.end <= fn.end,
  )
}

/** `setTimeout(again, d)`: a retry when the callback leads back here and a failure led to it. */
function ofTimer(program: Program, file: File, wait: Wait): Round {
  const way = pathToLoop(file, wait.call)
  // `await new Promise((resolve) => setTimeout(resolve, d))` waits in place.
  if (way.steps.some((step) => step.kind === "call" && step.isNew && step.name === "Promise")) {
    return way.loop ? inLoop(wait.call, way) : withoutLoop(program, file, wait.call, way)
  }
  const again = leadsBack(program, file, wait) ?? reconnects(file, wait)
  if (!again) return NOTHING
  // Whatever a connection is made anew after, it was lost.
  const failure =
    failureOn(way) ??
    failureHandler(file, wait.call) ??
    (CONNECTS.test(again.name) && !/disconnect/i.test(again.name) ? again : null)
  const operation = operationIn(again, wait.call)
  return { purpose: failure ? "retry" : "poll", around: again, failure, operation }
}

const CONNECTS = /^_*(?:[a-z]+_?)?(?:re)?connect(?!ed|ion|or)|Connect(?!ed|ion|or)/

/** `setTimeout(() => this.reconnect(), d)`: what it does again is what its name says. */
function reconnects(file: File, wait: Wait): Func | null {
  let found = false
  const look = (name: string): boolean => /^(?:_|try_?|do_?|attempt_?)*re_?connect$/i.test(name)
  if (wait.callback)
    walk(wait.callback, (node) => {
      if (node.kind === "call") found ||= look(node.name)
      else if (node === wait.callback && (node.kind === "name" || node.kind === "member"))
        found ||= look(node.name)
      return !found
    })
  return found ? file.functionOf(wait.call) : null
}

/** The function around a timer that its callback is, or calls. */
function leadsBack(program: Program, file: File, wait: Wait): Func | null {
  const outer = [...file.ancestorsOf(wait.call)].filter(
    (node): node is Func => node.kind === "function",
  )
  const callback = wait.callback!
  const names = new Set<string>()
  for (const { fn } of resolveFunction(program, file, callback)) {
    if (outer.includes(fn)) return fn
    for (const call of file.calls)
      if (call.start >= fn.start && call.end <= fn.end) names.add(call.name)
  }
  walk(callback, (node) => {
    if (node.kind === "call") names.add(node.name)
    else if (node.kind === "name" || node.kind === "member") names.add(node.name)
    return undefined
  })
  const direct = outer.find((fn) => fn.name !== "" && names.has(fn.name))
  return direct ?? throughAnother(program, file, callback, outer)
}

/** The callback calls a function that leads back here: `connect` sets up what calls `reconnect`, which waits to connect. */
function throughAnother(
  program: Program,
  file: File,
  callback: Node,
  outer: readonly Func[],
): Func | null {
  let found: Func | null = null
  walk(callback, (node) => {
    if (found || node.kind !== "call") return undefined
    for (const target of resolveCall(program, file, node)) {
      const within = target.file.calls.filter(
        (call) => call.start >= target.fn.start && call.end <= target.fn.end,
      )
      found ??=
        outer.find((fn) => fn.name !== "" && within.some((call) => call.name === fn.name)) ?? null
    }
    return undefined
  })
  return found
}

/** `.on("error", …)`, `onclose = …`, `handleDisconnect()`, `.catch(…)`, the second callback of `.then`. */
function failureHandler(file: File, call: Call): Node | null {
  for (const outer of file.ancestorsOf(call)) {
    if (
      outer.kind === "call" &&
      ((outer.name === "catch" && outer.args.some((arg) => holds(arg, call))) ||
        (outer.name === "then" && outer.args[1] && holds(outer.args[1], call)))
    )
      return outer
    if (
      outer.kind === "call" &&
      outer.args.some(
        (arg) => arg.kind === "string" && /^(?:error|close|end|disconnect)/.test(arg.value),
      )
    ) {
      return outer
    }
    if (outer.kind === "function" && /error|close|disconnect|fail|reconnect/i.test(outer.name))
      return outer
  }
  return null
}

/**
 * A race where the wait is the time limit of what the other arm waits for. A select is one when the wait's arm leaves,
 * or when other arms bring work; when the wait's arm goes on, it is the loop's own course.
 */
function isRaced(wait: Wait, way: Way): boolean {
  for (const outer of way.steps) {
    if (
      outer.kind === "call" &&
      /^(?:race|timeout|wait_for|any)$/.test(outer.name) &&
      /Promise|asyncio/.test(dotted(outer.callee))
    ) {
      return true
    }
    if (outer.kind !== "select") continue
    const own = outer.cases.find((one) => one.comm && holds(one.comm, wait.call))
    if (!own) continue
    if (leaves(own.body.body)) return true
    return outer.cases.some(
      (one) => one !== own && one.comm && !isStop(one.comm) && !leaves(one.body.body),
    )
  }
  return false
}
