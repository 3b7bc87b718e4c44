/** The way from a wait outwards to its loop, and what on it or beside it says that something failed. */
import type { Func, Loop, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves, meaningOf, saysFailure, type Verdict } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"

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

export interface Way {
  readonly loop: Loop | null
  /** The function that holds the wait, callbacks that run in place passed over. */
  readonly fn: Func | null
  /** From the wait outwards up to the loop or the function. */
  readonly steps: readonly Node[]
}

export function pathToLoop(file: File, from: Node): Way {
  const steps: Node[] = [from]
  for (const outer of file.ancestorsOf(from)) {
    if (outer.kind === "loop") {
      // A wait in the head of a loop is no round of it.
      return { loop: outer, fn: file.functionOf(outer), steps }
    }
    const repeated = outer.kind === "function" ? repeatedBy(file, outer) : null
    if (repeated) return { loop: repeated, fn: file.functionOf(outer), steps }
    if (outer.kind === "function" && !(outer.isLambda && runsInPlace(file, outer))) {
      return { loop: null, fn: outer, steps }
    }
    steps.push(outer)
  }
  return { loop: null, fn: null, steps }
}

/** Kotlin's `repeat(5) { … }` is a loop that is written as a call. */
function repeatedBy(file: File, fn: Func): Loop | null {
  const lambda = file.parentOf(fn)
  const call = lambda && file.parentOf(lambda)
  if (call?.kind !== "call" || call.name !== "repeat" || file.language !== "kotlin" || !fn.body)
    return null
  const { start, end, body } = fn
  const [times] = call.args
  return {
    kind: "loop",
    form: "for",
    init: null,
    test: null,
    update: null,
    bindings: [],
    // How often; a `repeat` of somebody's own without it goes on.
    iterable: call.args.length === 2 ? times! : null,
    body,
    start,
    end,
  }
}

function runsInPlace(file: File, fn: Func): boolean {
  const lambda = file.parentOf(fn)
  const call = lambda && file.parentOf(lambda)
  return call?.kind === "call" && IN_PLACE.test(call.name)
}

/** Whether the course of a wait leaves the loop after it, whatever happens: the round went well, or is given up. */
export function leavesAfter({ loop, steps }: Way): boolean {
  for (let i = 1; i < steps.length; i++) {
    const outer = steps[i]!
    if (outer.kind === "switch") return false
    if (outer.kind !== "block" || outer === loop?.body) continue
    const after = outer.body.slice(outer.body.indexOf(steps[i - 1]!) + 1)
    if (after.some(mayComeRound)) return false
    if (after.some((one) => one.kind === "return" || one.kind === "throw")) return true
  }
  return false
}

function mayComeRound(statement: Node): boolean {
  let found = false
  walk(statement, (node) => {
    if (node.kind === "continue") found = true
    return !found && node.kind !== "function"
  })
  return found
}

/** The failure on the way out: a catch, or a branch whose test says that something failed. */
export function failureOn(way: Way): Node | null {
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
      if (own && own.tests.length === 0 && isRestOfOutcomes(outer)) return outer
    }
    // `.catch(async () => { … })`
    if (outer.kind === "call" && outer.name === "catch" && inner.kind === "lambda") return outer
  }
  return null
}

/** The `default` of a `switch` over an error with a case for nil, or of one whose cases look at an error or a status. */
function isRestOfOutcomes({ subject, cases }: Node & { kind: "switch" }): boolean {
  if (subject)
    return (
      saysFailure(subject) && cases.some(({ tests }) => tests.some((test) => test.kind === "null"))
    )
  return cases.some(
    ({ tests, body }) =>
      leaves(body.body) &&
      tests.some((test) => meaningOf(test) !== "unknown" && (saysFailure(test) || hasStatus(test))),
  )
}

function hasStatus(test: Node): boolean {
  let found = false
  walk(test, (node) => {
    if (node.kind === "name" || node.kind === "member") found ||= /status|code$/i.test(node.name)
    return !found
  })
  return found
}

/** An error that only says that there is nothing: `errors.Is(err, errNoTasks)`, `err == sql.ErrNoRows`. */
const NOTHING_THERE =
  /^(?:Err|err)?_?No_?(?:[A-Z][a-z]+able)?(?:Tasks?|Rows?|Docs?|Documents?|Messages?|Jobs?|Data|Work|Items?|Records?|More)(?:Error|Exception|Found)?$|^(?:queue\.)?Empty(?:Error|Exception|Queue)?$|^(?:Err|err)Empty\w*$/i

/** The nearest branch around a wait, when it is taken because there is nothing to do and not because something failed. */
export function emptinessOn({ steps }: Way): Node | null {
  for (let i = 1; i < steps.length; i++) {
    const [inner, outer] = [steps[i - 1]!, steps[i]!]
    if (outer.kind === "try") {
      const own = outer.catches.find((one) => one.body === inner)
      if (own) return own.types.length > 0 && own.types.every(isNothing) ? inner : null
    }
    if (outer.kind === "switch") {
      const own = outer.cases.find((one) => one.body === inner)
      const test = own?.tests.find((one) => speaksOfNothing(one))
      if (test) return test
    }
    if (outer.kind !== "if" || inner !== outer.then) continue
    let found = false
    walk(outer.test, (node) => {
      if (node.kind === "name" || node.kind === "member") found ||= isNothing(node.name)
      return !found
    })
    return found ? outer.test : null
  }
  return null
}

function speaksOfNothing(test: Node): boolean {
  let found = false
  walk(test, (node) => {
    if (node.kind === "name" || node.kind === "member") found ||= isNothing(node.name)
    return !found
  })
  return found
}

function isNothing(name: string): boolean {
  return NOTHING_THERE.test(name.split(".").at(-1)!)
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

/**
 * The wait stands in the loop's own course: it is a retry when a round that went well has left before, or when the
 * round begins with it and leaves when it goes well.
 */
export function failureBeside(loop: Loop, steps: readonly Node[]): Node | null {
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
      const found = exitsOnSuccess(statement) ?? keepsConnected(statement)
      if (found) return found
    }
  }
  return loop.test && meaningOf(loop.test) === "failure" && !asksForState(loop.test)
    ? loop.test
    : null
}

/**
 * `while (!future.isDone())`, `while (!podIsReady)`, `while (BUSY.equals(status))`: until something else is so far, not
 * until what stands in the loop goes well.
 */
function asksForState(test: Node): boolean {
  let found = false
  walk(test, (node) => {
    if (node.kind === "call")
      found ||= /^(?:is_?)?(?:done|complete|completed|finished|terminated|closed|ended)$/i.test(
        node.name,
      )
    if (node.kind === "name" || node.kind === "member")
      found ||= wordsOf(node.name).some((word) => STATE_WORDS.has(word))
    return !found
  })
  return found
}

const STATE_WORDS = new Set(["ready", "busy", "status", "state", "phase"])

function exitsOnSuccess(statement: Node): Node | null {
  if (statement.kind === "if") {
    const verdict = meaningOf(statement.test)
    const isAboutError =
      saysFailure(statement.test) ||
      /\b(?:ok|success\w*|isSuccess\w*)$/.test(dotted(statement.test))
    if (verdict === "success" && isAboutError && leaves(statement.then.body)) return statement.test
    if (verdict === "failure" && statement.otherwise && leaves(statement.otherwise.body))
      return statement.test
    // `if len(addrs) > 0 { n, err := join(addrs); if err == nil { return nil } }`
    if (verdict !== "unknown" || statement.otherwise) return null
    for (const one of statement.then.body) {
      const within = one.kind === "if" ? exitsOnSuccess(one) : null
      if (within) return within
    }
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

/**
 * `while (true) { try { await connect(); … } catch { log } await sleep(5) }`: a connection that is to stand for ever comes
 * here when it is lost, with or without an exception.
 */
function keepsConnected(statement: Node): Node | null {
  if (statement.kind !== "try" || statement.catches.every((one) => leaves(one.body.body)))
    return null
  let connects = false
  const look = (node: Node): boolean => {
    if (node.kind === "call") connects ||= CONNECTS.test(node.name)
    return !connects && node.kind !== "function"
  }
  walk(statement.body, look)
  return connects ? statement : null
}

const CONNECTS =
  /^_*(?:(?:re|ws_?|try_?|do_?|async_?|create_?|open_?)?connect(?:_\w+|Async)?|[cC]onnect(?:To|And|With)\w*|create_?connection|open_?connection|subscribe|psubscribe|WebSocket|EventSource)$/i

function leavesSomewhere(body: Node): boolean {
  let found = false
  walk(body, (node) => {
    if (node.kind === "return" || node.kind === "break") found = true
    return !found && node.kind !== "function" && node.kind !== "loop"
  })
  return found
}

/**
 * The loop ends by leaving, and only a failure's `continue` brings it round again: the wait at its head is one between
 * two attempts.
 */
export function failureAhead(loop: Loop, steps: readonly Node[]): Node | null {
  const { body } = loop.body
  if (!leaves(body)) return null
  const at = body.findIndex((one) => steps.includes(one))
  for (const statement of body.slice(at + 1)) {
    if (statement.kind === "try") {
      const goesOn = statement.catches.find((one) => one.body.body.at(-1)?.kind === "continue")
      if (goesOn) return statement
    }
    if (statement.kind !== "if" || statement.then.body.at(-1)?.kind !== "continue") continue
    if (meaningOf(statement.test) === "failure") return statement.test
  }
  return null
}

/** `attempts++` beside the wait, and a test that gives up when there were too many. */
export function countedWithin(loop: Loop): Node | null {
  const counters = new Set<string>()
  let limit: Node | null = null
  walk(loop.body, (node) => {
    if (node.kind === "assign" && node.op === "+=" && node.value?.kind === "number") {
      const [target] = node.targets
      const name = target ? dotted(target) : ""
      if (hasAttemptWord(name) || /fail|error/i.test(name)) counters.add(name)
    }
    return node.kind !== "function"
  })
  if (counters.size === 0) return null
  walk(loop.body, (node) => {
    if (node.kind === "if" && node.test.kind === "binary" && !limit) {
      const isCounted = sidesOf(node.test).some(
        (side) =>
          counters.has(dotted(side)) ||
          (side.kind === "assign" && side.targets.some((one) => counters.has(dotted(one)))),
      )
      if (isCounted && (leaves(node.then.body) || node.otherwise)) limit = node.test
    }
    return node.kind !== "function"
  })
  return limit
}

/** What a comparison compares, of each part where several are joined: `max > 0 && attempts > max`. */
function sidesOf(test: Node): Node[] {
  if (test.kind !== "binary") return []
  const { op, left, right } = test
  return op === "&&" || op === "||" ? [...sidesOf(left), ...sidesOf(right)] : [left, right]
}

/** `for attempt := 0; attempt < max; attempt++`, `for attempt in range(5)`. */
export function countedAttempts(loop: Loop): Node | null {
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

export function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}
