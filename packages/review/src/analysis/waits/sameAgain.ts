/**
 * Functions that answer a failure by calling themselves with the arguments that they were given: nothing has changed in
 * between, so that what fails for good is tried until the stack is full.
 */
import { walk } from "../../ir/children.ts"
import type { Block, Call, Func, Node } from "../../ir/nodes.ts"
import { meaningOf } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { targetWithin } from "../program/targets.ts"

export interface SameAgain {
  readonly call: Call
  readonly fn: Func
  /** The catch's body, or the branch that the failure leads to. */
  readonly after: Block
}

/** What only tells of a failure. */
const TELLS =
  /log|debug|info|warn|error|trace|print|get(?:Message|Name|Id|StackTrace)|format|toString|String$/i
/** What another round reads on from: each one gets another piece. */
const CONSUMES = /^(?:read|next|poll|take|pop|receive|recv|shift|accept|scan|peek|advance)/i

/** Every such call in a file, one for each function. */
export function sameAgainIn(program: Program, file: File): SameAgain[] {
  return file.functions.flatMap((fn) => {
    if (fn.name === "" || !fn.body || fn.params.length === 0) return []
    for (const call of file.callsNamed(fn.name)) {
      if (call.start < fn.body.start || call.end > fn.body.end) continue
      if (!isOfItself(file, fn, call)) continue
      const after = failureOf(file, fn, call)
      if (after && isUnchanged(file, fn, after, call) && isTried(program, file, fn, after))
        return [{ call, fn, after }]
    }
    return []
  })
}

/** `f(a, b)` or `this.f(a, b)` in `f(a, b)`, with the parameters as they came. */
function isOfItself(file: File, fn: Func, call: Call): boolean {
  const receiver = receiverOf(call)
  const own = fn.receiver?.name ?? (file.language === "python" ? fn.params[0]?.name : null)
  if (receiver && !/^(?:this|self|cls)$/.test(dotted(receiver)) && dotted(receiver) !== own)
    return false
  if ((file.functionOf(call) ?? fn) !== fn) return false
  const names = fn.params.map(({ name }) => name).filter((name) => !/^(?:self|cls)$/.test(name))
  return (
    names.length === call.args.length &&
    call.args.every((arg, index) => arg.kind === "name" && arg.name === names[index])
  )
}

/** The branch of a failure that a call stands in; null where it stands in none. */
function failureOf(file: File, fn: Func, call: Call): Block | null {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer === fn || outer.kind === "loop") return null
    if (outer.kind === "try") {
      const own = outer.catches.find(({ body }) => body === inner)
      // Whoever was woken up once goes on where he was, and passes it on afterwards.
      if (own) return own.types.some((type) => /Wakeup|Interrupt/.test(type)) ? null : own.body
    }
    if (
      file.language === "go" &&
      outer.kind === "if" &&
      outer.then === inner &&
      meaningOf(outer.test) === "failure" &&
      /\berr\b/.test(file.textOf(outer.test))
    )
      return outer.then
    inner = outer
  }
  return null
}

/** Nothing before the call, in its branch or on every way to it, changes what the next round finds. */
function isUnchanged(file: File, fn: Func, after: Block, call: Call): boolean {
  let changes = false
  walk(after, (node) => {
    if (node.start >= call.start || changes) return false
    if (node.kind === "assign") changes ||= !node.declares
    if (node.kind === "call") changes ||= !TELLS.test(node.name) && !TELLS.test(dotted(node.callee))
    if (node.kind === "await" || node.kind === "throw" || node.kind === "receive") changes = true
    return !changes
  })
  if (changes) return false
  // `attempts++` at the beginning, and a look at it here.
  const asked = new Set<string>()
  for (const outer of file.ancestorsOf(call)) {
    if (outer === after) break
    if (outer.kind === "if") for (const name of namesIn(outer.test)) asked.add(name)
  }
  const names = new Set(fn.params.map(({ name }) => name))
  return !file.assignments.some(
    (one) =>
      one.start >= fn.start &&
      one.end <= call.start &&
      one.targets.some(
        (target) =>
          (target.kind === "name" || target.kind === "member") &&
          (names.has(target.name) || (asked.has(target.name) && !one.declares)),
      ),
  )
}

function namesIn(test: Node): string[] {
  const found: string[] = []
  walk(test, (node) => {
    if (node.kind === "name" || node.kind === "member") found.push(node.name)
  })
  return found
}

/** The branch calls it a retry, or what is tried goes to another machine and does not read on. */
function isTried(program: Program, file: File, fn: Func, after: Block): boolean {
  if (CONSUMES.test(fn.name)) return false
  if (/retr(?:y|ie)|re_?try|\bagain\b|attempt/i.test(file.textOf(after))) return true
  const reads = file.calls.some(
    (call) => call.start >= fn.start && call.end <= after.start && CONSUMES.test(call.name),
  )
  return !reads && targetWithin(program, file, fn, 1) === "remote"
}
