/**
 * Work that is chosen by its state and settled only when it is over: where the chosen rows are marked as done, or moved
 * on to their next time, in the same function, in one that is given a row, or in one that asked for the rows.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { callersOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { textIn } from "./queries.ts"
import { resolveCall } from "../program/resolve.ts"
import type { RowCall } from "./rowCall.ts"
import { rowCallsOf } from "./rowCalls.ts"
import { bare, someNode } from "./rows.ts"
import { isRowGuarded } from "./rowGuards.ts"

const WORKERS =
  /queue|worker|outbox|relay|poll|dispatch|deliver|drain|publisher|process_?(?:or|next|batch|pending|due|jobs?|tasks?|messages?|events?)/i
const DONE = /^(?:processed|handled|sent|published|done|completed|delivered|dispatched)(?:at|on)?$/
const STATE = /^(?:status|state|jobstatus|jobstate|stage|processed|handled|sent|published|done)$/
const OVER =
  /\btrue\b|processed|done|sent|published|completed?|delivered|success|finished|handled|now\b|Date|utcnow/i
/** When a row is due the next time; whoever runs it moves that on. */
const NEXT = /^next(?:run|fire|exec\w*|trigger|poll|check|sync|send|dispatch|attempt)\w*$/
/** Somebody chooses again who may have a row. */
const CLAIMS = /claim|acquire|lock|lease|reserve|take(?:over)?$|try_?mark/i

/** Callers of the function that chose the rows, up to the one that works on them. */
const MAX_CALLERS = 2

/** Where the rows of a read are settled. */
export interface Settled {
  readonly file: File
  readonly at: Node
}

interface Course {
  readonly program: Program
  readonly read: RowCall
  readonly chosenBy: readonly string[]
  /** Rows that nothing says anything of but that they are due: their next time is what tells. */
  readonly onlyNext: boolean
}

/** What settles the rows that were read, where nobody has taken them before the work. */
export function settledAfter(
  program: Program,
  file: File,
  fn: Func,
  read: RowCall,
): Settled | null {
  const chosenBy = read.where.map((one) => one.column)
  const isDue = chosenBy.some((column) => NEXT.test(column))
  const isWork = WORKERS.test(`${file.path.split("/").at(-1)} ${fn.name}`)
  if (!isDue && !isWork) return null
  const course: Course = { program, read, chosenBy, onlyNext: !isWork }
  const names = reachOf(file, fn, read.results, read.call.end)
  return (
    settledIn(course, file, fn, names, read.call.end) ??
    settledByCaller(course, file, fn, names, MAX_CALLERS)
  )
}

/** Names that hold rows, or what was made of them: closed over assignments, loops and lambdas. */
export function reachOf(file: File, fn: Func, seeds: readonly string[], from: number): Set<string> {
  const names = new Set(seeds)
  for (let size = -1; size !== names.size;) {
    size = names.size
    for (const assign of file.assignments) {
      if (assign.start < from || assign.end > fn.end || !assign.value) continue
      if (!mentionsAny(assign.value, names)) continue
      for (const target of assign.targets) if (target.kind === "name") names.add(target.name)
    }
    someNode(fn, (node) => {
      if (node.kind === "loop" && node.iterable && mentionsAny(node.iterable, names))
        for (const one of node.bindings)
          if (one.kind === "name" && one.name !== "_") names.add(one.name)
      if (
        node.kind === "call" &&
        /^(?:forEach|map|each|onEach|flatMap|filter)$/.test(node.name) &&
        node.callee.kind === "member" &&
        mentionsAny(node.callee.object, names) &&
        node.args[0]?.kind === "lambda"
      ) {
        const [param] = node.args[0].fn.params
        if (param) names.add(param.name)
      }
      return false
    })
  }
  return names
}

function settledIn(
  course: Course,
  file: File,
  fn: Func,
  names: ReadonlySet<string>,
  from: number,
  depth = 1,
): Settled | null {
  const { program } = course
  const rows = rowCallsOf(program, file).filter(
    (row) => row.call.start >= from && row.call.end <= fn.end,
  )
  if (rows.some((row) => isClaim(course, row)) || isRowGuarded(program, file, fn)) return null
  const own = rows.find((row) => settles(course, file, row) && mentionsAny(row.call, names))
  if (own) return { file, at: own.call }
  if (depth === 0) return null
  const handed = file.calls.filter(
    (call) =>
      call.start >= from && call.end <= fn.end && call.args.some((arg) => isRow(arg, names)),
  )
  if (handed.some((call) => CLAIMS.test(call.name))) return null
  for (const call of handed) {
    for (const target of resolveCall(program, file, call)) {
      const given = paramsGiven(target.fn, call, names)
      if (!target.fn.body || given.length === 0 || CLAIMS.test(target.fn.name)) continue
      const { start } = target.fn.body
      const inner = reachOf(target.file, target.fn, given, start)
      const found = settledIn(course, target.file, target.fn, inner, start, depth - 1)
      if (found) return { file, at: call }
    }
  }
  return null
}

/** A row, or what tells which one it is: `event`, `event.id`. */
function isRow(arg: Node, names: ReadonlySet<string>): boolean {
  if (arg.kind === "member")
    return /^(?:\w*_?id|ID|\w*Id|uuid|key)$/.test(arg.name) && isRow(arg.object, names)
  return arg.kind === "name" && names.has(arg.name)
}

function paramsGiven(fn: Func, call: Call, names: ReadonlySet<string>): string[] {
  const offset = /^(?:self|cls)$/.test(fn.params[0]?.name ?? "") ? 1 : 0
  return call.args.flatMap((arg, index) => {
    const param = fn.params[index + offset]
    return isRow(arg, names) && param ? [param.name] : []
  })
}

/** The rows were asked for by another function, which works on them. */
function settledByCaller(
  course: Course,
  file: File,
  fn: Func,
  names: ReadonlySet<string>,
  depth: number,
): Settled | null {
  if (depth === 0 || CLAIMS.test(fn.name) || !returnsAny(fn, names)) return null
  for (const site of callersOf(course.program, { file, fn })) {
    const outer = site.file.methodOf(site.call)
    if (!outer || CLAIMS.test(outer.name)) continue
    const bound = namesHolding(site.file, site.call)
    const reach = reachOf(site.file, outer, bound, site.call.start)
    const found =
      bound.length > 0
        ? settledIn(course, site.file, outer, reach, site.call.start)
        : settledByCaller(course, site.file, outer, new Set(["\0result"]), depth - 1)
    if (found) return found
  }
  return null
}

function returnsAny(fn: Func, names: ReadonlySet<string>): boolean {
  // What is handed through at once has no name.
  if (names.has("\0result")) return true
  return someNode(
    fn,
    (node) => node.kind === "return" && node.value !== null && mentionsAny(node.value, names),
  )
}

/** The names that a call's result goes to: of an assignment, or of the loop over it. */
function namesHolding(file: File, call: Call): string[] {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign")
      return outer.targets.flatMap((one) => (one.kind === "name" ? [one.name] : []))
    if (outer.kind === "loop" && outer.iterable && call.end <= outer.iterable.end)
      return outer.bindings.flatMap((one) => (one.kind === "name" ? [one.name] : []))
    if (outer.kind === "block" || outer.kind === "function") return []
  }
  return []
}

function isSameTable({ read }: Course, row: RowCall): boolean {
  return row.table === null || read.table === null || row.table === read.table
}

/** An update that changes a row only while it is as it was chosen. */
function isClaim(course: Course, row: RowCall): boolean {
  return (
    row.kind === "update" &&
    isSameTable(course, row) &&
    row.where.some((one) => course.chosenBy.includes(one.column))
  )
}

function settles(course: Course, file: File, row: RowCall): boolean {
  if (row.kind !== "update" || !isSameTable(course, row)) return false
  const says = (column: string, text: string): boolean => {
    if (!course.chosenBy.includes(column)) return false
    if (NEXT.test(column)) return true
    return !course.onlyNext && (DONE.test(column) || STATE.test(column)) && OVER.test(text)
  }
  const { query } = row
  if (!query)
    return row.sets.some((set) =>
      says(set.column, set.value ? file.textOf(set.value) : (set.text ?? "")),
    )
  return query.statements.some(
    (one) =>
      one.verb === "update" &&
      one.sets.some((set) => says(bare(set.column), textIn(query, set.value))),
  )
}

function mentionsAny(node: Node, names: ReadonlySet<string>): boolean {
  return someNode(node, (one) => one.kind === "name" && names.has(one.name))
}
