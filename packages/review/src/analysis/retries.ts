/**
 * What a wait is for. A retry comes after a failure and does the same again; a poll comes round whatever happened; a
 * deadline is the other arm of a race. Only the first makes a herd of those who failed together.
 */
import type { Call, Catch, Func, Loop, Node } from "../ir/nodes.ts"
import { walk } from "../ir/children.ts"
import { callersOf } from "./definitions.ts"
import { leaves, meaningOf, saysFailure, type Verdict } from "./failures.ts"
import type { File } from "./file.ts"
import { dotted, wordsOf } from "./names.ts"
import type { Program } from "./program.ts"
import { resolveFunction } from "./resolve.ts"
import type { Wait } from "./waits.ts"

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

/** Calls that are never what is tried: logging, time, arithmetic, questions. */
const ASIDE =
  /^(?:log|debug|info|warn|warning|error|print|println|printf|Printf|Println|Errorf|sleep|pow|min|max|range|format|currentThread|is[A-Z]\w*|now|nanoTime|currentTimeMillis|len|append|make|String|valueOf|toString|Duration|Since|Until|After|Done|Err|new\w*Exception|Error)$/

const NOTHING: Round = { purpose: "other", around: null, failure: null, operation: null }

const ATTEMPT_WORDS = new Set([
  "attempt",
  "attempts",
  "retry",
  "retries",
  "retrying",
  "try",
  "tries",
  "backoff",
  "reconnect",
])

/** Callbacks that run in place: what waits within them holds up what is around them. */
const IN_PLACE =
  /^(?:Promise|run|runCatching|withContext|withTimeout|withTimeoutOrNull|coroutineScope|supervisorScope|use|let|apply|also|with|runBlocking|synchronized|withLock|transaction|repeat|step)$/

const ROUNDS = Symbol("purpose of a wait")

/** What a wait is for, with what shows it. */
export function roundOf(program: Program, file: File, wait: Wait): Round {
  return program.memo<Call, Round>(ROUNDS, wait.call, NOTHING, () => {
    if (wait.form === "interval") return { ...NOTHING, purpose: "poll" }
    if (wait.form === "timer" && wait.callback) return ofTimer(program, file, wait)
    const path = pathToLoop(file, wait.call)
    if (isRaced(wait, path)) return { ...NOTHING, purpose: "deadline" }
    return path.loop ? inLoop(wait.call, path) : withoutLoop(program, file, wait.call, path)
  })
}

interface Way {
  readonly loop: Loop | null
  /** The function that holds the wait, callbacks that run in place passed over. */
  readonly fn: Func | null
  /** From the wait outwards up to the loop or the function. */
  readonly steps: readonly Node[]
}

function pathToLoop(file: File, from: Node): Way {
  const steps: Node[] = [from]
  for (const outer of file.ancestorsOf(from)) {
    if (outer.kind === "loop") {
      // A wait in the head of a loop is no round of it.
      return { loop: outer, fn: file.functionOf(outer), steps }
    }
    if (outer.kind === "function" && !(outer.isLambda && runsInPlace(file, outer))) {
      return { loop: null, fn: outer, steps }
    }
    steps.push(outer)
  }
  return { loop: null, fn: null, steps }
}

function runsInPlace(file: File, fn: Func): boolean {
  const lambda = file.parentOf(fn)
  const call = lambda && file.parentOf(lambda)
  return call?.kind === "call" && IN_PLACE.test(call.name)
}

/** The failure on the way out: a catch, or a branch whose test says that something failed. */
function failureOn(way: Way): Node | null {
  const { steps } = way
  for (let i = 1; i < steps.length; i++) {
    const [inner, outer] = [steps[i - 1]!, steps[i]!]
    if (outer.kind === "try" && outer.catches.some((one) => one.body === inner)) return inner
    if (outer.kind === "if" && inner !== outer.test && inner !== outer.init) {
      const verdict = inner === outer.then ? meaningOf(outer.test) : flipped(meaningOf(outer.test))
      if (verdict === "failure") return outer.test
      if (isLaterAttempt(outer.test)) return outer.test
    }
    if (outer.kind === "switch") {
      const own = outer.cases.find((one) => one.body === inner)
      if (own && own.tests.some((test) => saysFailure(test))) return own.tests[0]!
    }
    // `.catch(async () => { … })`
    if (outer.kind === "call" && outer.name === "catch" && inner.kind === "lambda") return outer
  }
  return null
}

function flipped(verdict: Verdict): Verdict {
  return verdict === "failure" ? "success" : verdict === "success" ? "failure" : "unknown"
}

/** `if attempt > 0 { wait }` */
function isLaterAttempt(test: Node): boolean {
  return (
    test.kind === "binary" &&
    /^(?:>|>=|!=|!==|<|<=)$/.test(test.op) &&
    [test.left, test.right].some((side) => side.kind === "name" && hasAttemptWord(side.name))
  )
}

function hasAttemptWord(name: string): boolean {
  return wordsOf(name).some((word) => ATTEMPT_WORDS.has(word))
}

function inLoop(call: Call, way: Way): Round {
  const loop = way.loop!
  const failure = failureOn(way) ?? failureBeside(loop, way.steps) ?? countedAttempts(loop)
  if (!failure) return { purpose: "poll", around: loop, failure: null, operation: null }
  return { purpose: "retry", around: loop, failure, operation: operationIn(loop, call) }
}

/**
 * The wait stands in the loop's own course: it is a retry when a round that went well has left before, or when the
 * round begins with it and leaves when it goes well.
 */
function failureBeside(loop: Loop, steps: readonly Node[]): Node | null {
  const arms = steps.flatMap((step) =>
    step.kind === "select"
      ? step.cases.filter((one) => one.comm && holds(one.comm, steps[0]!))
      : [],
  )
  for (const block of [
    ...arms.map((arm) => arm.body),
    ...steps.filter((step) => step.kind === "block"),
    loop.body,
  ]) {
    for (const statement of block.body) {
      if (steps.includes(statement)) continue
      const found = exitsOnSuccess(statement)
      if (found) return found
    }
  }
  return loop.test && meaningOf(loop.test) === "failure" ? loop.test : null
}

function exitsOnSuccess(statement: Node): Node | null {
  if (statement.kind === "if") {
    const verdict = meaningOf(statement.test)
    const isAboutError =
      saysFailure(statement.test) || /^(?:ok|success)/.test(dotted(statement.test))
    if (verdict === "success" && isAboutError && leaves(statement.then.body)) return statement.test
    if (verdict === "failure" && statement.otherwise && leaves(statement.otherwise.body))
      return statement.test
    return null
  }
  if (statement.kind !== "try") return null
  const goesOn = statement.catches.some((one) => !leaves(one.body.body))
  if (
    goesOn &&
    (leaves(statement.body.body) ||
      leavesSomewhere(statement.body) ||
      (statement.otherwise && leaves(statement.otherwise.body)))
  ) {
    return statement
  }
  return null
}

function leavesSomewhere(body: Node): boolean {
  let found = false
  walk(body, (node) => {
    if (node.kind === "return" || node.kind === "break") found = true
    return !found && node.kind !== "function" && node.kind !== "loop"
  })
  return found
}

/** `for attempt := 0; attempt < max; attempt++`, `for attempt in range(5)`. */
function countedAttempts(loop: Loop): Node | null {
  const heads = [loop.init, loop.test, loop.update, loop.iterable, ...loop.bindings]
  for (const head of heads) {
    if (!head) continue
    let found = false
    walk(head, (node) => {
      if ((node.kind === "name" || node.kind === "member") && hasAttemptWord(node.name))
        found = true
      return !found
    })
    if (found) return head
  }
  return null
}

/** The call that is tried: the first of the loop's `try`, or the one whose error is looked at. */
function operationIn(loop: Loop | Func, wait: Call): Call | null {
  let tried: Call | null = null
  let checked: Call | null = null
  let first: Call | null = null
  walk(loop, (node) => {
    if (node === wait || (node.kind === "function" && node !== loop && !node.isLambda)) return false
    if (node.kind === "try" && !tried) tried = firstCall(node.body)
    if (
      node.kind === "assign" &&
      node.value &&
      !checked &&
      node.targets.some((target) => /^err(?:or)?$/i.test(dotted(target)))
    ) {
      checked = firstCall(node.value)
    }
    if (
      node.kind === "call" &&
      !first &&
      !/^(?:log|debug|info|warn|warning|error|print|println|Printf|Errorf)$/i.test(node.name)
    )
      first = node
    return undefined
  })
  return tried ?? checked ?? first
}

function firstCall(node: Node): Call | null {
  let found: Call | null = null
  walk(node, (one) => {
    if (!found && one.kind === "call" && !ASIDE.test(one.name)) found = one
    return !found
  })
  return found
}

/** A failure, a wait, and the function calls itself again, or its caller does. */
function withoutLoop(program: Program, file: File, call: Call, way: Way): Round {
  const { fn } = way
  const failure = failureOn(way)
  if (!fn || !failure) return NOTHING
  if (callsItself(file, fn, call)) {
    return { purpose: "retry", around: fn, failure, operation: operationIn(fn, call) }
  }
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
  const again = leadsBack(program, file, wait)
  if (!again) return NOTHING
  const failure = failureOn(way) ?? failureHandler(file, wait.call)
  const operation = operationIn(again, wait.call)
  return { purpose: failure ? "retry" : "poll", around: again, failure, operation }
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
  return outer.find((fn) => fn.name !== "" && names.has(fn.name)) ?? null
}

/** `.on("error", …)`, `onclose = …`, `handleDisconnect()`. */
function failureHandler(file: File, call: Call): Node | null {
  for (const outer of file.ancestorsOf(call)) {
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

/** Whether what the wait stands in ends when a context, a stop signal or a deadline says so. */
export function canBeCutShort(file: File, wait: Wait): boolean {
  for (const outer of file.ancestorsOf(wait.call)) {
    if (outer.kind === "select") return outer.cases.some((one) => one.comm && isStop(one.comm))
    if (outer.kind === "loop" || outer.kind === "function") return false
  }
  return false
}

function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

/** Arms that end the wait early: a cancelled context, a stop channel, a deadline's timer. */
function isStop(comm: Node): boolean {
  const receive = comm.kind === "assign" ? comm.value : comm
  const name = receive?.kind === "receive" ? dotted(receive.channel) : dotted(comm)
  return /Done|stop|quit|clos|exit|shutdown|cancel|timer|timeout|deadline|ctx|kill|abort|term/i.test(
    name,
  )
}
