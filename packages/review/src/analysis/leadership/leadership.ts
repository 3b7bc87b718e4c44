/** Words of leadership: what tells that code runs as leader, what ends a term, and what asks whether it still lasts. */
import type { Block, Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"

const LEADER_WORDS = new Set(
  "leader leadership elected elector election leading leaseholder primary lease".split(" "),
)
const TERM_WORDS = new Set(
  "term epoch generation fence fencing ballot incarnation reign".split(" "),
)
/** What is cancelled when a term ends. */
const STOP_WORDS = new Set(
  "ctx context aborted abort signal cancelled canceled cancel cancellation isactive ensureactive interrupted revoked lost stopped stopping shutdown closed closing done quit".split(
    " ",
  ),
)

const RESIGNS =
  /^(?:(?:[rR]equest|[dD]o|[tT]ry|[fF]orce|[mM]aybe)?_?(?:[rR]esign\w*|[sS]tep_?[dD]own\w*|[rR]elinquish\w*|[aA]bdicate\w*)|(?:release|give_?[uU]p|drop|yield)_?[lL]ea(?:dership|der|se)\w*|[rR]evoke_?[lL]ea\w+|relinquish\w*)$/

const ASKS =
  /^(?:is|has|am|was|check|holds?|still|verify|ensure|assert|in)?_?(?:the)?_?(?:leader|leadership|elected|leading|primary|lease\w*held|lease)\w*$/i

/** Whether a node names leadership. */
export function speaksOfLeadership(node: Node): boolean {
  return mentions(node, LEADER_WORDS)
}

/** Whether a name does. */
export function isLeaderName(name: string): boolean {
  return wordsOf(name).some((word) => LEADER_WORDS.has(word))
}

/** Whether an expression names a term: what carries it can be told apart from another term's. */
export function speaksOfTerm(node: Node): boolean {
  return mentions(node, TERM_WORDS)
}

function mentions(node: Node, words: ReadonlySet<string>): boolean {
  let found = false
  walk(node, (one) => {
    const name =
      one.kind === "name" || one.kind === "member" ? one.name : one.kind === "named" ? one.name : ""
    if (name !== "" && wordsOf(name.replace(/^#/, "")).some((word) => words.has(word))) found = true
    return !found && one.kind !== "function"
  })
  return found
}

/** Whether a test is a question whether this one leads: `isLeader()`, `!this.leader`, `state == LEADER`. */
export function asksLeadership(test: Node): boolean {
  if (test.kind === "unary") return asksLeadership(test.operand)
  if (test.kind === "await") return asksLeadership(test.value)
  if (test.kind === "binary") {
    if (test.op === "&&" || test.op === "||")
      return asksLeadership(test.left) || asksLeadership(test.right)
    return (
      /^[!=]==?$|^is/.test(test.op) &&
      (asksLeadership(test.left) || /leader|primary/i.test(lastOf(test.right)))
    )
  }
  return ASKS.test(lastOf(test)) && !/err|exception|timeout|ms$|count|config/i.test(lastOf(test))
}

function lastOf(node: Node): string {
  if (node.kind === "string") return node.value
  return dotted(node)
    .replace(/(?:\(\))+$/, "")
    .split(".")
    .at(-1)!
    .replace(/^#/, "")
}

/** Whether a call gives leadership up. */
export function isResignation(call: Call): boolean {
  return RESIGNS.test(call.name)
}

/**
 * Whether something between two places asks again: an `if` or a loop whose test names leadership, a term or the signal
 * that ends it, a wait that ends with the signal, or a comparison that the later place stands under.
 */
export function isAskedAgain(file: File, fn: Func, from: number, to: Node): boolean {
  let found = false
  walk(fn, (node) => {
    if (found) return false
    if (node.end <= from || node.start >= to.start) return node.start < to.start
    if ((node.kind === "if" || node.kind === "loop") && node.test && node.test.start >= from) {
      if (
        isQuestion(file, fn, node.test, from) &&
        (holdsInBranch(node, to) || node.kind === "loop" || leaves(node.then.body, "round"))
      )
        found = true
    }
    if (
      node.kind === "select" &&
      node.start < to.start &&
      node.cases.some((one) => endsTerm(one.comm, one.body))
    )
      found = true
    // `ctx.throwIfAborted()`, `ensureActive()`, `assertLeader()`
    if (node.kind === "call" && node.start >= from && node.end <= to.start && throwsWhenLost(node))
      found = true
    return undefined
  })
  return found
}

/** Whether a test asks, itself or through a local that was set since: `stale := e.epoch != epoch`. */
function isQuestion(file: File, fn: Func, test: Node, from: number): boolean {
  if (asks(test)) return true
  const names = new Set<string>()
  walk(test, (node) => {
    if (node.kind === "name") names.add(node.name)
  })
  return file.assignments.some(
    (assign) =>
      assign.start >= from &&
      assign.end <= test.start &&
      assign.start >= fn.start &&
      assign.value !== null &&
      assign.targets.some((target) => target.kind === "name" && names.has(target.name)) &&
      (mentions(assign.value, LEADER_WORDS) || mentions(assign.value, TERM_WORDS)),
  )
}

function asks(node: Node): boolean {
  return mentions(node, LEADER_WORDS) || mentions(node, TERM_WORDS) || mentions(node, STOP_WORDS)
}

function endsTerm(comm: Node | null, body: Block): boolean {
  const receive = comm?.kind === "assign" ? comm.value : comm
  return receive?.kind === "receive" && asks(receive.channel) && leaves(body.body)
}

function throwsWhenLost(call: Call): boolean {
  return /^(?:throwIfAborted|throw_if_\w+|ensureActive|throwIfCancellationRequested|(?:assert|ensure|require|check|verify|must)\w*(?:Leader|Lease|Term|Epoch|leader|lease|term|epoch)\w*)$/.test(
    call.name,
  )
}

function holdsInBranch(outer: Node & { kind: "if" | "loop" }, inner: Node): boolean {
  const branches = outer.kind === "loop" ? [outer.body] : [outer.then, outer.otherwise]
  return branches.some((one) => one !== null && holds(one, inner))
}

function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}
