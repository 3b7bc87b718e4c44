/**
 * Where code learns that it was cancelled: Go's contexts and JavaScript's signals, which carry a cause, and the
 * exceptions by which Python, Java and Kotlin cancel what waits.
 */
import type { Block, Call, Catch, Func, Node, Try } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { courseOf, isYield } from "../program/yields.ts"

/** A branch that runs because of a cancellation. */
export interface Branch {
  /** The context or the signal, or the exception. */
  readonly source: Node | Catch
  readonly name: string
  readonly body: Block
}

/** `case <-ctx.Done():` and `if ctx.Err() != nil`, where the context came in as a parameter. */
export function contextBranches(file: File): Branch[] {
  const found: Branch[] = []
  for (const root of file.unit.body) {
    walk(root, (node) => {
      if (node.kind === "select") {
        for (const { comm, body } of node.cases) {
          const channel = comm?.kind === "receive" ? comm.channel : null
          const name = channel?.kind === "call" ? contextOf(file, channel, "Done") : null
          if (channel && name) found.push({ source: channel, name, body })
        }
      }
      if (node.kind === "if" && node.test.kind === "binary" && node.test.op === "!=") {
        const { left, right } = node.test
        const name =
          right.kind === "null" && left.kind === "call" ? contextOf(file, left, "Err") : null
        if (name) found.push({ source: node.test, name, body: node.then })
      }
    })
  }
  return found
}

/** The name of a context whose method is called, when it is a parameter and not made anew in the function. */
function contextOf(file: File, call: Call, method: string): string | null {
  const receiver = receiverOf(call)
  if (call.name !== method || receiver?.kind !== "name") return null
  for (let fn = file.functionOf(call); fn !== null; fn = file.functionOf(fn)) {
    if (isMadeIn(file, fn, receiver.name)) return null
    const param = fn.params.find((one) => one.name === receiver.name)
    if (param) return /(?:^|\.)Context$/.test(param.type ?? "") ? receiver.name : null
  }
  return null
}

/** A context with a deadline of the function's own has one cause. */
function isMadeIn(file: File, fn: Func, name: string): boolean {
  return file.assignments.some(
    (assign) =>
      assign.start >= fn.start &&
      assign.end <= fn.end &&
      assign.targets.some((target) => target.kind === "name" && target.name === name),
  )
}

/** `if (signal.aborted)` and `signal.addEventListener("abort", …)`. */
export function signalBranches(file: File): Branch[] {
  const found: Branch[] = []
  for (const root of file.unit.body) {
    walk(root, (node) => {
      if (node.kind === "if" && node.test.kind === "member" && node.test.name === "aborted") {
        const name = dotted(node.test.object)
        if (/signal$/i.test(name)) found.push({ source: node.test, name, body: node.then })
      }
      if (node.kind !== "call" || node.name !== "addEventListener") return
      const receiver = receiverOf(node)
      const [event, handler] = node.args
      if (!receiver || event?.kind !== "string" || event.value !== "abort") return
      const name = dotted(receiver)
      if (/signal$/i.test(name) && handler?.kind === "lambda" && handler.fn.body)
        found.push({ source: event, name, body: handler.fn.body })
    })
  }
  return found
}

// --- exceptions -----------------------------------------------------------------------------------------------------

export interface Caught {
  readonly around: Try
  readonly clause: Catch
  readonly fn: Func
}

/** Catches that get a cancellation, of a `try` where one can come. */
export function caughtIn(program: Program, file: File): Caught[] {
  const found: Caught[] = []
  for (const root of file.unit.body) {
    walk(root, (node) => {
      if (node.kind !== "try") return
      const fn = courseOf(file, node)
      if (!fn) return
      const clause = node.catches.find((one) => catches(file, one))
      if (!clause || isPassedOn(file, node, clause)) return
      if (canBeCancelled(program, file, node, fn)) found.push({ around: node, clause, fn })
    })
  }
  return found
}

const CANCELLED: Readonly<Record<string, RegExp>> = {
  python: /(?:^|\.)(?:CancelledError|Cancelled)$/,
  java: /(?:^|\.)InterruptedException$/,
  kotlin: /(?:^|\.)CancellationException$/,
}
/** What catches a cancellation along with everything else. */
const CATCH_ALL: Readonly<Record<string, RegExp>> = {
  python: /^BaseException$/,
  kotlin: /(?:^|\.)(?:Exception|Throwable|IllegalStateException|RuntimeException)$/,
}

/** Whether a clause names the cancellation itself. */
export function namesCancellation(file: File, clause: Catch): boolean {
  return clause.types.some((type) => CANCELLED[file.language]?.test(type))
}

/** What ends a task as well as a cancellation does, or is no failure of what was tried. */
const ENDS =
  /^(?:Base)?Exception$|Disconnect|Closed|Cancel|GeneratorExit|KeyboardInterrupt|SystemExit|StopAsyncIteration|BrokenPipe|ConnectionReset|EOFError|IncompleteRead|RuntimeError|Shutdown|InvalidState/i

/** Python's `except (TimeoutError, CancelledError):`, where a cancellation is one failure among others of what was tried. */
export function countsAsFailure(file: File, { around, clause }: Caught): boolean {
  if (file.language !== "python" || clause.types.length < 2 || !namesCancellation(file, clause))
    return false
  if (clause.types.some((type) => type.includes("futures."))) return false
  const others = clause.types
    .map((type) => type.split(".").at(-1)!)
    .filter((one) => !ENDS.test(one))
  return others.some((one) => /(?:Error|Exception|Timeout)$/.test(one)) && !awaitsAnother(around)
}

/** `await task`: who is cancelled may be the other one. */
function awaitsAnother(around: Try): boolean {
  const isBare = (node: Node | undefined): boolean =>
    node?.kind === "name" || node?.kind === "member" || node?.kind === "index"
  let found = false
  walk(around.body, (node) => {
    if (node.kind === "await") {
      const { value } = node
      found ||=
        isBare(value) ||
        (value.kind === "call" &&
          /^(?:wait_for|shield|wait|gather|wrap_future)$/.test(value.name) &&
          isBare(value.args[0]))
    }
    return !found && node.kind !== "function"
  })
  return found
}

function catches(file: File, clause: Catch): boolean {
  if (namesCancellation(file, clause)) return true
  if (file.language === "python" && clause.types.length === 0) return true
  return clause.types.some((type) => CATCH_ALL[file.language]?.test(type))
}

/** A clause before this one that throws the cancellation on. */
function isPassedOn(file: File, around: Try, clause: Catch): boolean {
  return around.catches.some(
    (one) => one !== clause && one.body.start < clause.body.start && namesCancellation(file, one),
  )
}

/** Whether anything in a `try` is where a cancellation comes in. */
function canBeCancelled(program: Program, file: File, node: Try, fn: Func): boolean {
  if (file.language === "java") return true
  if (file.language === "python" && !fn.isAsync) return false
  let found = false
  walk(node.body, (one) => {
    if (found || (one.kind === "function" && courseOf(file, one) !== fn && !one.isLambda))
      return false
    if (isYield(program, file, one) || isSuspendingParam(file, fn, one)) found = true
    return undefined
  })
  return found
}

/** Kotlin's `block()` where `block: suspend () -> T`, and what libraries name as waiting: `awaitResponse()`. */
export function isSuspendingParam(file: File, fn: Func, node: Node): boolean {
  if (file.language !== "kotlin" || node.kind !== "call") return false
  if (/^await[A-Z]\w*$/.test(node.name)) return true
  const receiver = receiverOf(node)
  // What a suspending function calls on an interface of a remote service suspends.
  if (receiver) return fn.isAsync && /(?:api|Api|[sS]ervice|[cC]lient)$/.test(dotted(receiver))
  const own = file.classOf(fn)?.fields ?? []
  return [...fn.params, ...own].some(
    (one) => one.name === node.name && /^suspend\b/.test(one.type ?? ""),
  )
}

/** Whether a clause throws, interrupts the thread again, or asks whether it was cancelled. */
export function handsOn(body: Block): boolean {
  let found = false
  walk(body, (node) => {
    if (node.kind === "throw") found = true
    // `interrupted = true`, to interrupt the thread again when the waiting is over.
    if (
      node.kind === "assign" &&
      node.targets.some((target) => /interrupt|cancel/i.test(dotted(target)))
    )
      found = true
    if (
      node.kind === "call" &&
      /^(?:interrupt|ensureActive|cancel|uncancel|exit|_exit|rethrow\w*|propagate\w*|throwIf\w*|fatal|throwUnchecked|sneakyThrow|fail|cancelled|set_exception|close|shutdown\w*)$/.test(
        node.name,
      )
    )
      found = true
    if (
      (node.kind === "name" || node.kind === "member") &&
      /CancellationException|isActive|isInterrupted/.test(node.name)
    )
      found = true
    return !found
  })
  return found
}

/** The loop that goes round again after a clause; null where the clause ends it. */
export function loopGoingOn(file: File, { around, clause, fn }: Caught): Node | null {
  if (leaves(clause.body.body)) return null
  for (const outer of file.ancestorsOf(around)) {
    if (outer === fn) return null
    if (outer.kind === "function" && !outer.isLambda) return null
    if (outer.kind === "loop") return endsAfter(outer, around) ? null : outer
  }
  return null
}

/** A coroutine that is cancelled throws again where it suspends next: in the clause, or elsewhere in the loop. */
export function suspendsElsewhere(
  program: Program,
  file: File,
  loop: Node,
  { around }: Caught,
): boolean {
  if (file.language !== "kotlin") return false
  let found = false
  walk(loop, (node) => {
    if (found || node === around.body) return false
    if (node !== loop && isYield(program, file, node)) found = true
    return undefined
  })
  return found
}

/** The rest of a loop's round leaves it anyway. */
function endsAfter(loop: Node & { kind: "loop" }, around: Node): boolean {
  const at = loop.body.body.findIndex((one) => one.start <= around.start && around.end <= one.end)
  return leaves(loop.body.body.slice(at + 1))
}

/**
 * `except BaseException: if auto: return await reconnect() … raise`: one way through it does more work, and nothing asks
 * whether it was a cancellation.
 */
export function retriesEverything(file: File, clause: Catch): boolean {
  if (file.language !== "python" || namesCancellation(file, clause)) return false
  let works = false
  let answers = false
  let throws = false
  walk(clause.body, (node) => {
    if (node.kind === "throw") throws = true
    if (node.kind === "return") answers ||= node.value?.kind === "await"
    if (node.kind === "await" && node.value.kind === "call")
      works ||= /connect|retry|run|start|send|fetch|request|sleep/i.test(node.value.name)
    return node.kind !== "function"
  })
  if (!answers && clause.body.body.some((one) => one.kind === "throw")) return false
  return works && throws && !/[cC]ancel|isinstance|Exit|Interrupt/.test(file.textOf(clause.body))
}
