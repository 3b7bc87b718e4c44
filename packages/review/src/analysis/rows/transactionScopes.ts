/** The stretch of code that a database transaction spans, by callback, `with`, annotation, or begin and commit. */
import { walk } from "../../ir/children.ts"
import type { Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"

export interface TransactionScope {
  readonly start: number
  readonly end: number
  /** What opens it: the call, the `with`, or the annotated function. */
  readonly at: Node
}

const CALLS =
  /^(?:\$?transaction|withTransaction|inTransaction|in_transaction|runInTransaction|run_in_transaction|executeInTransaction|executeWithoutResult|WithTx|withTx|InTx|inTx|RunInTx|RunInTransaction|Transaction|BeginFunc|BeginTxFunc|transact|transactional|suspendTransaction|newSuspendedTransaction|useTransaction|tx)$/
const RESOURCES =
  /(?:transaction\.atomic|\.transaction|\.begin|\.begin_nested|atomic|start_transaction)\(\)$/
const BEGIN =
  /^(?:Begin|BeginTx|BeginTxx|Beginx|begin|beginTransaction|startTransaction|start_transaction)$/
const COMMIT = /^(?:Commit|commit|commitTransaction|commit_transaction|commitAsync)$/

/** The transaction that a node of a function runs in; null where none can be seen. */
export function transactionAround(file: File, fn: Func, node: Node): TransactionScope | null {
  let inner: Node = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "call" && inner !== outer.callee && CALLS.test(outer.name))
      return scope(outer)
    if (outer.kind === "with" && outer.resources.some((one) => RESOURCES.test(dotted(one.value))))
      return scope(outer)
    if (outer === fn) break
    inner = outer
  }
  if (isTransactional(file, fn)) return scope(fn)
  return fn.body ? betweenBeginAndCommit(fn.body, node) : null
}

/** The transaction of those who call a private method: all of them are annotated, so it runs in theirs. */
export function transactionOfCallers(file: File, fn: Func): TransactionScope | null {
  if (!fn.modifiers.includes("private")) return null
  const callers = file.callsNamed(fn.name).map((call) => file.methodOf(call))
  const all = callers.every((one) => one !== null && one !== fn && isTransactional(file, one))
  return callers.length > 0 && all ? scope(fn) : null
}

/** `@Transactional` of a method or of its class, Django's `@transaction.atomic`. */
function isTransactional(file: File, fn: Func): boolean {
  const all = [...fn.annotations, ...(file.classOf(fn)?.annotations ?? [])]
  return all.some((one) => /(?:^|\.)(?:Transactional|atomic)$/.test(one.name))
}

function betweenBeginAndCommit(body: Node, node: Node): TransactionScope | null {
  let begin: Node | null = null
  let end: number | null = null
  walk(body, (one) => {
    if (one.kind !== "call" || !receiverOf(one)) return undefined
    if (BEGIN.test(one.name) && one.end <= node.start) begin = one
    if (
      COMMIT.test(one.name) &&
      one.start >= node.end &&
      !/consumer|kafka|offset/i.test(dotted(one.callee))
    )
      end ??= one.end
    return undefined
  })
  const opened = begin as Node | null
  return opened && end !== null && !isCommitted(body, opened, node)
    ? { start: opened.start, end, at: opened }
    : null
}

/** Whether a commit stands between the begin and the node: then the transaction is over. */
function isCommitted(body: Node, begin: Node, node: Node): boolean {
  let found = false
  walk(body, (one) => {
    if (
      one.kind === "call" &&
      COMMIT.test(one.name) &&
      one.start > begin.end &&
      one.end <= node.start
    )
      found = true
    return !found
  })
  return found
}

function scope(at: Node): TransactionScope {
  return { start: at.start, end: at.end, at }
}
