/**
 * Steps that one failure takes back and a later one does not: the account is deleted again when its balance cannot be
 * made, and stays when its metadata cannot.
 */
import { walk } from "../../ir/children.ts"
import type { Block, Call, Func, Node } from "../../ir/nodes.ts"
import { leaves, meaningOf } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { mutatingStep, takesBack } from "./inverses.ts"
import { dotted, receiverOf } from "../program/names.ts"

export interface HalfCompensation {
  readonly fn: Func
  /** The step that stays. */
  readonly step: Call
  /** Where an earlier failure takes it back. */
  readonly inverse: Call
  /** What may fail later. */
  readonly later: Call
}

/** The end of a failure: what runs then, and the calls that may have failed. */
interface Failure {
  readonly fn: Func
  readonly at: Node
  readonly body: Block
}

const INVERSE =
  /^_?(?:refund|void|cancel|release|delete|destroy|unregister|deregister|unreserve|revoke|deprovision|teardown|restore|remove)/i
/** Names of what cleans up without naming what. */
const CLEANS =
  /compensat|rollback|roll_back|undo|revert|unwind|clean_?up|tear_?down|abort|dispose|discard|purge|restore/i
/** Marks of one's own, which are left standing on purpose once something has happened. */
const NO_STEP = /idempot|lock|cache|check|temp|token|session|log|context|marker/i
/** Later steps whose failure leaves something half done. */
const CHANGES =
  /^_?(?:create|insert|save|store|persist|register|publish|send|submit|update|upload|write|charge|reserve|book|capture|provision|allocate|assign|grant|attach|link|subscribe|enqueue|schedule|activate|issue)/i

export function halfCompensationsOf(file: File): HalfCompensation[] {
  const found: HalfCompensation[] = []
  for (const inverse of file.calls) {
    if (!INVERSE.test(inverse.name) || receiverOf(inverse) === null) continue
    const failure = failureAround(file, inverse)
    const step = failure && stepBefore(file, failure, inverse)
    if (!step || cleansAnyhow(file, failure.fn, step)) continue
    const later = laterIn(file, failure, step)
    if (later && !found.some((one) => one.later === later))
      found.push({ fn: failure.fn, step, inverse, later })
  }
  return found
}

/** The branch on an error, or the catch, that a call stands in, where it leaves the function. */
function failureAround(file: File, call: Call): Failure | null {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "function") return null
    const body =
      outer.kind === "try"
        ? (outer.catches.find((one) => one.body === inner)?.body ?? null)
        : outer.kind === "if" && inner === outer.then && isFailure(file, outer)
          ? outer.then
          : null
    const fn = body && file.functionOf(outer)
    if (body && fn) return leaves(body.body, "function") ? { fn, at: outer, body } : null
    inner = outer
  }
  return null
}

function isFailure(file: File, branch: Node & { kind: "if" }): boolean {
  return /err/i.test(file.textOf(branch.test)) && meaningOf(branch.test) === "failure"
}

/** The step that a call takes back: on the same receiver, straight before in the same function. */
function stepBefore(file: File, failure: Failure, inverse: Call): Call | null {
  const on = receiverOf(inverse)
  return (
    file.calls.findLast((call) => {
      if (call.end > failure.at.start || call.start < failure.fn.start) return false
      if (file.functionOf(call) !== failure.fn || isInLoop(file, call, failure.fn)) return false
      const step = NO_STEP.test(call.name) ? null : mutatingStep(call.name)
      const receiver = receiverOf(call)
      return (
        step !== null &&
        receiver !== null &&
        on !== null &&
        dotted(receiver) === dotted(on) &&
        takesBack(inverse.name, step)
      )
    }) ?? null
  )
}

function isInLoop(file: File, node: Node, fn: Func): boolean {
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "loop") return true
    if (outer === fn) return false
  }
  return false
}

/** A defer, a finally, or a transaction around everything takes back whatever failed. */
function cleansAnyhow(file: File, fn: Func, step: Call): boolean {
  let cleans = false
  walk(fn, (node) => {
    if (cleans) return false
    const text =
      node.kind === "defer"
        ? file.textOf(node)
        : node.kind === "try" && node.finalizer && node.end > step.start
          ? file.textOf(node.finalizer)
          : ""
    if (CLEANS.test(text) || /[dD]elete|[rR]elease|[cC]ancel[A-Z]|[rR]emove/.test(text))
      cleans = true
    return !cleans
  })
  return cleans || /\btx\b|[tT]ransaction|\btrx\b/.test(dotted(receiverOf(step) ?? step))
}

/** The first later call that changes something and whose failure leaves without taking anything back. */
function laterIn(file: File, { fn, at }: Failure, step: Call): Call | null {
  return (
    file.calls.find((call) => {
      if (call.start < at.end || call.end > fn.end || file.functionOf(call) !== fn) return false
      if (!CHANGES.test(call.name) || call.name === step.name || isInLoop(file, call, fn))
        return false
      const own = failureOf(file, call)
      if (own) return !takesAnythingBack(file, own) && tellsFailure(file, own)
      if (file.language === "go" || isGuarded(file, call, fn)) return false
      return isSync(file) || file.parentOf(call)?.kind === "await"
    }) ?? null
  )
}

/** The branch on the error that a call gave back: on its own line's, or the statement before it. */
function failureOf(file: File, call: Call): Block | null {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "if" && outer.init && outer.init.end >= call.end)
      return isFailure(file, outer) ? outer.then : null
    const block = file.parentOf(outer)
    if (block?.kind !== "block") continue
    const next = block.body[block.body.indexOf(outer) + 1]
    return next?.kind === "if" && isFailure(file, next) ? next.then : null
  }
  return null
}

function isSync(file: File): boolean {
  return file.language === "java" || file.language === "kotlin" || file.language === "python"
}

/** Within a try, or a promise with a catch: what its failure does is another question. */
function isGuarded(file: File, call: Call, fn: Func): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer === fn) return false
    if (outer.kind === "try" && outer.catches.length > 0) return true
    if (outer.kind === "call" && /^(?:catch|allSettled)$/.test(outer.name)) return true
    if (outer.kind === "return") return false
  }
  return true
}

function takesAnythingBack(file: File, body: Block): boolean {
  return file.calls.some(
    (call) =>
      call.start >= body.start &&
      call.end <= body.end &&
      (INVERSE.test(call.name) || CLEANS.test(call.name)),
  )
}

function tellsFailure(file: File, body: Block): boolean {
  const last = body.body.at(-1)
  if (last?.kind === "throw") return true
  return last?.kind === "return" && last.value !== null && /err|fail/i.test(file.textOf(last.value))
}
