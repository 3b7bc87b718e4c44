/**
 * What a function does to rows, as its callers see it: which rows it gives back, which it writes, where each value comes
 * from, and whether it locks. Found once for a function; a call of it is a call of its rows with the parameters bound to
 * the arguments. Rows that it touches through other functions count as its own, up to a bounded depth.
 */
import { walk } from "../../ir/children.ts"
import type { Call, Func } from "../../ir/nodes.ts"
import { effectOf } from "./abstractRows.ts"
import { declaredEffects } from "./declaredRows.ts"
import type { File } from "../program/file.ts"
import { ownRowsOf } from "./ownRows.ts"
import { wordsOf } from "../program/names.ts"
import { stepsOf } from "./rowSteps.ts"
import type { Located, Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { boundTo } from "./rowBindings.ts"
import type { RowCall } from "./rowCall.ts"
import type { RowEffect } from "./rowEffect.ts"
import { takesLock } from "./rowLocks.ts"
import { someNode } from "./rows.ts"

/** Longer functions do more than bring or put a row. */
const MAX_LENGTH = 6_000
/** Functions that touch more rows than this say little of any one of them. */
const MAX_ROWS = 6
/** Functions that are looked through on the way from a call to the row. */
const MAX_DEPTH = 3
/** With as many functions that a call may run, nothing is known of the others. */
const MAX_TARGETS = 4

/** First words of the names of functions that bring rows or put them in. */
const VERBS = new Set(
  "get find fetch load read list count exists has is insert create add save store put record register update set mark change adjust increase decrease deduct debit credit charge apply increment decrement claim take reserve release delete remove require ensure look query select persist upsert write patch modify must check retrieve pick next sum total current lock use consume start finish complete by one all first last latest overwrite append push pull book issue enqueue dequeue redeem spend withdraw deposit refund pay transfer top".split(
    " ",
  ),
)

const KINDS = Array.from({ length: MAX_DEPTH }, (_, depth) => Symbol(`row effects, ${depth} deep`))

/** The rows that a call touches through functions of the program; none where it is not clear which function runs. */
export function calledRows(
  program: Program,
  file: File,
  call: Call,
  depth = MAX_DEPTH - 1,
): readonly RowCall[] {
  if (!mayTouch(call)) return []
  const targets = resolveCall(program, file, call)
  if (targets.length >= MAX_TARGETS) return []
  const all = targets
    .filter((one) => one.fn.body !== null && !isStandIn(one))
    .map((one) => ({ fn: one.fn, effects: effectsOf(program, one, depth) }))
  const [first] = all
  if (!first)
    return declaredEffects(program, file, call).map(({ fn, effect }) =>
      boundTo(program, file, call, fn, effect),
    )
  if (all.some((one) => told(one.effects) !== told(first.effects))) return []
  return first.effects.map((effect) => boundTo(program, file, call, first.fn, effect))
}

/** What stands in for a store where there is none. */
function isStandIn({ file, fn }: Located): boolean {
  const owner = fn.receiver?.type ?? file.classOf(fn)?.name ?? ""
  return (
    /(?:^|[/_.-])(?:mocks?|fakes?|stubs?|testutils?)(?:[/_.-]|$)/i.test(file.path) ||
    /mock|fake|stub|noop|in_?memory/i.test(owner)
  )
}

/** What must be the same of all functions that a call may run. */
function told(effects: readonly RowEffect[]): string {
  return effects
    .map(
      ({ kind, table, locks, where, sets }) =>
        `${kind} ${table} ${locks} ${where.map((one) => one.column).join()} ${sets.map((one) => `${one.column}${one.isSelfReferential}`).join()}`,
    )
    .sort()
    .join("\n")
}

/** @param depth - how many more functions may stand between it and a row */
function effectsOf(program: Program, located: Located, depth: number): readonly RowEffect[] {
  const { file, fn } = located
  const kind = KINDS[depth]
  if (!kind || !fn.body || fn.isGenerator || file.isTest || fn.end - fn.start > MAX_LENGTH)
    return []
  return program.memo<Func, readonly RowEffect[]>(kind, fn, [], () =>
    foundIn(program, located, depth),
  )
}

function foundIn(program: Program, { file, fn }: Located, depth: number): readonly RowEffect[] {
  const isIn = (call: Call): boolean => call.start >= fn.start && call.end <= fn.end
  const own = ownRowsOf(program, file).filter((row) => isIn(row.call))
  const known = new Set(own.flatMap((row) => stepsOf(row.call)))
  const rows = [...own]
  if (depth > 0)
    for (const call of touchingIn(file, fn))
      if (!known.has(call)) rows.push(...calledRows(program, file, call, depth - 1))
  if (rows.length === 0) return []
  const locks = takesLock(file.textOf(fn)) || rows.some((row) => row.locks)
  const reads = rows.filter((row) => row.kind === "read" && isGivenBack(file, fn, row))
  // Who locks answers for what it writes.
  const writes = locks ? [] : rows.filter((row) => row.kind !== "read")
  const looked = new Set(rows.flatMap((row) => (row.kind === "read" ? [row.table] : [])))
  const seen = [...few(reads), ...few(writes)]
    .map((row) => effectOf(program, file, fn, row, locks))
    // Who looks before it writes finds out for itself whether it may, but for values that it is told to write.
    .filter((one) => one.kind === "read" || !looked.has(one.table) || isOfCaller(one))
  // That a row is locked holds for the caller's transaction too.
  return locks && seen.length === 0 ? [effectOf(program, file, fn, rows[0]!, true)] : seen
}

const TOUCHING = new WeakMap<File, readonly Call[]>()

/** Calls within a function whose names say that they may touch rows. */
function touchingIn(file: File, fn: Func): readonly Call[] {
  let all = TOUCHING.get(file)
  if (!all) TOUCHING.set(file, (all = file.calls.filter(mayTouch)))
  return all.filter((call) => call.start >= fn.start && call.end <= fn.end)
}

function mayTouch({ name, isNew, isTagged }: Call): boolean {
  if (isNew || isTagged) return false
  const [verb = ""] = wordsOf(name)
  // Django's and SQLAlchemy's asynchronous ones begin with an `a`.
  return VERBS.has(verb) || (verb.startsWith("a") && VERBS.has(verb.slice(1)))
}

function few(rows: readonly RowCall[]): readonly RowCall[] {
  return rows.length <= MAX_ROWS ? rows : []
}

/** A write of what the caller computed. */
function isOfCaller({ kind, record, patch, sets }: RowEffect): boolean {
  if (kind === "insert") return false
  return (record ?? patch) !== null || sets.some((set) => set.from ?? set.computedFrom)
}

/** Whether a row that was read, or something of it, is what the function returns. */
function isGivenBack(file: File, fn: Func, row: RowCall): boolean {
  const names = new Set(row.results)
  let isGiven = false
  walk(fn.body!, (node) => {
    if (isGiven) return false
    if (node.kind === "function" && !isArgument(file, node)) return false
    if (node.kind !== "return" || !node.value) return undefined
    isGiven = someNode(
      node.value,
      (one) => one === row.call || (one.kind === "name" && names.has(one.name)),
    )
    return undefined
  })
  return isGiven
}

/** A callback, as of a transaction, returns for the function around it. */
function isArgument(file: File, fn: Func): boolean {
  const lambda = file.parentOf(fn)
  return lambda !== null && file.parentOf(lambda)?.kind === "call"
}
