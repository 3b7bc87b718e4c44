/** Branches of Go that run because a context is over: after `Done`, after `Err`, after an error that says so. */
import type { Call, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"

export interface Over {
  readonly text: string
  readonly at: Node
}

/** What says on the way to a call that the context of this name is over. */
export function overBefore(file: File, call: Call, name: string): Over | null {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "select") {
      const own = outer.cases.find((one) => one.body === inner)
      if (own?.comm && isDone(own.comm, name))
        return { text: "runs because the context is over", at: own.comm }
    }
    if (outer.kind === "block") {
      const done = outer.body.find((one) => one.end <= call.start && isDone(one, name))
      if (done) return { text: "runs after the context is over", at: done }
    }
    if (outer.kind === "if" && outer.then === inner && saysOver(file, outer.test, name))
      return { text: "runs because the context is over", at: outer.test }
    if (outer.kind === "function") return null
    inner = outer
  }
  return null
}

function isDone(node: Node, name: string): boolean {
  return (
    node.kind === "receive" &&
    node.channel.kind === "call" &&
    dotted(node.channel.callee) === `${name}.Done`
  )
}

/** `ctx.Err() != nil`, `errors.Is(err, context.Canceled)`, `isCancelled(err)`, where the error came of this context. */
function saysOver(file: File, test: Node, name: string): boolean {
  if (test.kind === "binary") {
    if (/^(?:&&|\|\|)$/.test(test.op))
      return saysOver(file, test.left, name) || saysOver(file, test.right, name)
    const isErr = test.left.kind === "call" && dotted(test.left.callee) === `${name}.Err`
    // `ctx.Err() == nil` says that it is not.
    if (isErr) return (test.op === "!=") === (test.right.kind === "null") && /^[!=]=$/.test(test.op)
    return test.op === "==" && isCause(test.right) && cameOf(file, test.left, name)
  }
  if (test.kind !== "call") return false
  const [error, cause] = test.args
  if (!error) return false
  const isAsked =
    (test.name === "Is" && cause !== undefined && isCause(cause)) ||
    /^is_?(?:context_?)?(?:cancell?ed|cancell?ation)/i.test(test.name)
  return isAsked && cameOf(file, error, name)
}

function isCause(node: Node): boolean {
  return /^context\.(?:Canceled|DeadlineExceeded)$/.test(dotted(node))
}

/** Whether the last value of an error came of a call that was given this context. */
function cameOf(file: File, error: Node, name: string): boolean {
  if (error.kind === "call") return dotted(error.callee) === `${name}.Err`
  if (error.kind !== "name") return false
  const last = file
    .assignmentsTo(error.name)
    .filter((one) => one.value !== null && one.end <= error.start)
    .at(-1)
  let found = false
  if (last?.value)
    walk(last.value, (node) => {
      if (node.kind === "call")
        found ||= node.args.some((arg) => arg.kind === "name" && arg.name === name)
      return !found
    })
  return found
}

/** Verbs of keeping how something ended. */
const RECORDS =
  /^(?:[uU]pdate|[sS]et|[mM]ark|[sS]ave|[sS]tore|[pP]ersist|[rR]ecord|[fF]inish|[cC]omplete|[fF]ail|[pP]ublish|[sS]end|[nN]otify|[iI]nsert|[pP]ut|[cC]ommit|[eE]xec|[dD]elete|[rR]emove)(?![a-z])/

/** Whether a call keeps how the work ended: under a context that is over nothing is kept. */
export function recordsEnd(call: Call): boolean {
  if (!RECORDS.test(call.name)) return false
  return !/log|span|trac|metric|stat(?:s|sd)$/i.test(dotted(receiverOf(call) ?? call.callee))
}

/** `UpdateStatus`, `MarkFailed`: what is deferred with such a name says how the work ended. */
export function recordsOutcome(call: Call): boolean {
  return (
    recordsEnd(call) &&
    /[sS]tatus|[sS]tate(?![a-z])|[fF]inish|[cC]omplet|[fF]ail|[oO]utcome|[eE]nded|[dD]one(?![a-z])/.test(
      call.name,
    )
  )
}
