/**
 * Where others may run in between: `await` in JavaScript and Python, a suspending call in Kotlin. Between two of them
 * nothing else of the same thread runs, so what stands between them is atomic.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves } from "./failures.ts"
import type { File } from "./file.ts"
import { isKnown } from "./known.ts"
import { dotted } from "./names.ts"
import type { Program } from "./program.ts"
import { resolveCall } from "./resolve.ts"

/** Callbacks that run before the call that takes them is over. */
const IN_PLACE =
  /^(?:run|runCatching|withContext|withTimeout|withTimeoutOrNull|coroutineScope|supervisorScope|use|let|apply|also|with|runBlocking|synchronized|withLock|read|write|runExclusive|transaction|repeat|step|forEach|map|filter|some|every|find|reduce|flatMap|mapNotNull|any|all|none|first|firstOrNull|sortedBy|computeIfAbsent|compute|getOrPut|computeIfPresent|merge|takeIf|takeUnless|buildList|ifPresent|orElseGet|Once|Do)$/

const SUSPENDS =
  /^(?:delay|await|awaitAll|join|joinAll|yield|withContext|withTimeout|withTimeoutOrNull|suspendCoroutine|suspendCancellableCoroutine|receive|receiveCatching|emit|collect|collectLatest|awaitFirst|awaitSingle|awaitBody|bodyAsText|coroutineScope|supervisorScope)$/

/** Whether a lambda is run by the call that it is given to, in the middle of the function around it. */
export function runsInPlace(file: File, fn: Func): boolean {
  const lambda = file.parentOf(fn)
  const call = lambda && file.parentOf(lambda)
  if (call?.kind !== "call") return false
  if (call.callee === lambda)
    return file.parentOf(call)?.kind !== "go" && file.parentOf(call)?.kind !== "defer"
  return (
    IN_PLACE.test(call.name) ||
    isKnown(file.known.locks, call.callee) ||
    (call.isNew === true && call.name === "Promise")
  )
}

/** The function whose course a node is part of: lambdas that run in place are passed over. */
export function courseOf(file: File, node: Node): Func | null {
  let fn = file.functionOf(node)
  while (fn?.isLambda && runsInPlace(file, fn)) fn = file.functionOf(fn)
  return fn
}

/** Whether a node hands over to others. */
export function isYield(program: Program, file: File, node: Node): boolean {
  if (node.kind === "await") return true
  if (node.kind === "loop") return node.isAsync === true
  if (node.kind === "with") return node.isAsync === true
  if (node.kind === "other") return /yield/.test(node.type)
  if (node.kind !== "call" || file.language !== "kotlin") return false
  return SUSPENDS.test(node.name) || isSuspending(program, file, node)
}

function isSuspending(program: Program, file: File, call: Call): boolean {
  return resolveCall(program, file, call).some(({ fn }) => fn.isAsync)
}

/** Whether the scheduling of a function is cooperative: others run only where it yields. */
export function isCooperative(file: File, fn: Func | null): boolean {
  if (file.language === "javascript" || file.language === "typescript") return true
  return file.language === "python" && fn?.isAsync === true
}

/**
 * The first yield on a way from one place to a later one of the same function; branches that leave before the later
 * place, and functions that run at another time, are no part of the way.
 */
export function yieldBetween(
  program: Program,
  file: File,
  within: Node,
  from: number,
  to: Node,
): Node | null {
  let found: Node | null = null
  walk(within, (node) => {
    if (found || node.end <= from || node.start >= to.end) return false
    const holdsTarget = node.start <= to.start && to.end <= node.end
    if (
      node.kind === "function" &&
      node !== within &&
      !holdsTarget &&
      !(node.isLambda && runsInPlace(file, node))
    )
      return false
    if (node.kind === "block" && !holdsTarget && node.start >= from && leaves(node.body))
      return false
    // The await that the later place stands in comes after it: `await add(count++)`.
    if (node.start >= from && node.end <= to.start && isYield(program, file, node)) found = node
    if (
      node.start >= from &&
      holdsTarget &&
      (node.kind === "with" || node.kind === "loop") &&
      isYield(program, file, node)
    )
      found = node
    // `this.count = await load()` and `map.set(key, await load())` write after they have waited.
    if (node === to && node.kind === "assign" && node.value)
      found ??= awaitIn(program, file, node.value)
    if (node === to && node.kind === "call")
      for (const arg of node.args) found ??= awaitIn(program, file, arg)
    return undefined
  })
  return found
}

function awaitIn(program: Program, file: File, value: Node): Node | null {
  let found: Node | null = null
  walk(value, (node) => {
    if (node.kind === "function") return false
    if (!found && isYield(program, file, node)) found = node
    return !found
  })
  return found
}

/** What a yield waits for, to be shown. */
export function yieldShown(node: Node): string {
  const call = node.kind === "await" ? node.value : node
  const name = call.kind === "call" ? dotted(call.callee) : ""
  return name !== "" && name.length <= 50 ? `\`${name}\`` : "`await`"
}
