/** Taking the next piece of work from a table: rows that are chosen by their state and then marked as taken. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { type Query, queriesOf, textIn } from "./queries.ts"
import type { RowCall } from "./rowCall.ts"
import { rowCallsOf } from "./rowCalls.ts"
import { bare, someNode } from "./rows.ts"
import { reachOf, settledAfter } from "./settledRows.ts"
import type { SqlStatement } from "./sql/statement.ts"

/** Columns that say that somebody has a row. */
const TAKEN =
  /^(?:locked(?:at|by|until|on)?|lock(?:id|owner|token|until|expir\w*)?|claimed(?:at|by|until)?|claimant|picked\w*|processing\w*|inprogress|started(?:at|on)?|reserved(?:at|by|until)?|leased?(?:at|by|until|owner|expir\w*)?|taken(?:at|by)?|workerid|worker|assignedto|assignedworker|attemptedat|runningsince|heartbeat\w*|dispatchedat|\w+?(?:lockedat|lockedby|claimedat|claimedby|pickedat|pickedby|reservedat|reservedby|processingstart(?:ed)?(?:at)?|processingat|startedat|takenat|takenby|workerid))$/
const STATE = /^(?:status|state|jobstatus|jobstate|stage|processed|handled|sent|published|done)$/
const DUE =
  /^(?:(?:processed|sent|published|delivered|dispatched|completed|handled)(?:at|on)|runat|scheduledat|scheduledfor|availableat|dueat|next(?:run|fire|exec\w*|trigger|poll|check|sync|send|dispatch)\w*|executeat|executionat|nextattemptat|sendat|processat|runafter|notbefore|visible(?:at|after|time|from)|(?:next)?retryat)$/
const RUNNING =
  /progress|processing|running|claimed|locked|picked|working|taken|reserved|started|assigned|sending|in_?flight|executing|active|leased|dispatch/i

export const isState = (column: string): boolean => TAKEN.test(column) || STATE.test(column)
const selectsWork = (column: string): boolean => isState(column) || DUE.test(column)

export interface RowClaim {
  /** Where rows are chosen. */
  readonly chosen: { readonly start: number; readonly end: number }
  /** Where they are marked; the same statement may do both. */
  readonly marked: { readonly start: number; readonly end: number }
  /** The file of the mark, where it is another one. */
  readonly markedIn?: File
  readonly isOneStatement: boolean
  /** Marked as done when the work is over, and never as taken. */
  readonly isAfterwards?: boolean
  readonly fn: Func | null
}

/** Statements that choose rows by their state and mark them, without a lock and without looking at the state again. */
export function claimsInQueries(program: Program, file: File): RowClaim[] {
  return queriesOf(program, file).flatMap((query) => {
    if (LOCKED.test(query.text)) return []
    const updates = query.statements.filter((one) => one.verb === "update" && marks(query, one))
    return updates.flatMap((update) => {
      const table = update.writes[0]!.name
      const chosen = query.statements.find(
        (one) =>
          one.verb === "select" &&
          one.limit !== null &&
          one.reads[0]?.name === table &&
          one.where.some((cond) => selectsWork(bare(cond.column))),
      )
      if (!chosen || chosen.rowLock || update.where.some((one) => isState(bare(one.column))))
        return []
      const isOne = update.start <= chosen.start || isWithinOther(query, chosen, update)
      if (file.language !== "sql" && !isOne) return []
      return [
        {
          chosen: placeOf(file, query, chosen),
          marked: placeOf(file, query, update),
          isOneStatement: true,
          fn: query.node ? file.methodOf(query.node) : null,
        },
      ]
    })
  })
}

const LOCKED =
  /for\s+update|skip\s+locked|updlock|readpast|rowlock|holdlock|tablockx|advisory|lock\s+(?:table|in\s+share)|serializable/i

function marks(query: Query, update: SqlStatement): boolean {
  return update.sets.some((set) => {
    const column = bare(set.column)
    const text = textIn(query, set.value)
    if (TAKEN.test(column)) return !/^null$/i.test(text)
    return STATE.test(column) && RUNNING.test(text)
  })
}

function isWithinOther(query: Query, chosen: SqlStatement, update: SqlStatement): boolean {
  return query.statements.some(
    (one) => one.nested.includes(chosen) && (one === update || one.nested.includes(update)),
  )
}

/** A place in the file for a part of a query: exact in a file of SQL, by its last words in a string. */
function placeOf(
  file: File,
  query: Query,
  part: SqlStatement,
): { readonly start: number; readonly end: number } {
  if (!query.node) return part
  const { start, end } = query.node
  const words = part.verb === "select" ? /\blimit\b/i : /\bupdate\b/i
  const match = words.exec(file.text.slice(start, end))
  return match
    ? { start: start + match.index, end: start + match.index + match[0].length }
    : query.node
}

/** Functions that read the next rows by their state and then mark what they read. */
export function claimsInFunctions(program: Program, file: File): RowClaim[] {
  const rows = rowCallsOf(program, file)
  return rows.flatMap((read) => {
    const fn = file.methodOf(read.call) ?? outermostOf(file, read.call)
    if (!fn || !choosesWork(file, fn, read)) return []
    const names = new Set([...read.results, ...elementsOf(fn, read)])
    const update = rows.find(
      (row) =>
        row.call.start > read.call.end &&
        row.call.end <= fn.end &&
        row.kind === "update" &&
        (row.table === null || read.table === null || row.table === read.table) &&
        marksRow(file, row) &&
        !row.where.some((one) => isState(one.column)) &&
        mentionsAny(row.call, names),
    )
    const marked = update?.call ?? entityMarked(file, fn, read, names)
    if (marked) return [{ chosen: read.call, marked, isOneStatement: false, fn }]
    const done = settledAfter(program, file, fn, read)
    return done
      ? [
          {
            chosen: read.call,
            marked: done.at,
            markedIn: done.file,
            isOneStatement: false,
            isAfterwards: true,
            fn,
          },
        ]
      : []
  })
}

function choosesWork(file: File, fn: Func, read: RowCall): boolean {
  if (read.kind !== "read" || read.locks || read.results.length === 0) return false
  if (!read.where.some((one) => selectsWork(one.column))) return false
  // What is switched off or over waits for nobody.
  if (read.where.some((one) => isState(one.column) && AT_REST.test(one.value))) return false
  // A row that is asked for by its key is no next piece of work.
  if (
    read.where.some(
      (one) =>
        /^(?:id|_id|pk|uuid|key|\w*id)$/.test(one.column) &&
        !isState(one.column) &&
        !/^(?:queueid|tenantid)$/.test(one.column),
    )
  )
    return false
  return (
    read.isLimited ||
    isLoopedOver(file, read.call) ||
    elementsOf(fn, read).length > 0 ||
    isReturned(file, fn, read)
  )
}

/** Rows that another function asked for. */
function isReturned(file: File, fn: Func, read: RowCall): boolean {
  const names = reachOf(file, fn, read.results, read.call.end)
  return someNode(
    fn,
    (node) =>
      node.kind === "return" &&
      node.value !== null &&
      someNode(node.value, (one) => one.kind === "name" && names.has(one.name)),
  )
}

function isLoopedOver(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "loop") return outer.iterable !== null && call.end <= outer.iterable.end
    if (outer.kind === "block") return false
  }
  return false
}

/** Names of single rows in loops over what was read. */
function elementsOf(fn: Func, read: RowCall): string[] {
  const found: string[] = []
  const isResult = (node: Node | null): boolean =>
    node !== null && read.results.includes(rootOf(node) ?? "")
  someNode(fn, (node) => {
    if (node.kind === "loop" && isResult(node.iterable))
      for (const one of node.bindings)
        if (one.kind === "name" && one.name !== "_") found.push(one.name)
    if (
      node.kind === "call" &&
      /^(?:forEach|map|each|onEach)$/.test(node.name) &&
      node.callee.kind === "member" &&
      isResult(node.callee.object)
    ) {
      const lambda = node.args[0]
      const param = lambda?.kind === "lambda" ? lambda.fn.params[0] : undefined
      if (param) found.push(param.name)
    }
    return false
  })
  return found
}

function mentionsAny(call: Call, names: ReadonlySet<string>): boolean {
  return someNode(call, (node) => node.kind === "name" && names.has(node.name))
}

function marksRow(file: File, row: RowCall): boolean {
  if (row.query) {
    const { query } = row
    const given = row.call.args.map((arg) => file.textOf(arg)).join(" ")
    return query.statements.some(
      (one) =>
        one.verb === "update" &&
        (marks(query, one) ||
          one.sets.some(
            (set) =>
              STATE.test(bare(set.column)) &&
              set.value.kind === "parameter" &&
              RUNNING.test(given.replace(query.text, "")),
          )),
    )
  }
  return row.sets.some((set) => isTakenValue(file, set.column, set.value, set.text))
}

/** @param text - of a value that stands in another file */
function isTakenValue(file: File, column: string, value: Node | null, text = ""): boolean {
  if (value?.kind === "null" || (!value && /^(?:null|None|nil)$/.test(text))) return false
  if (TAKEN.test(column)) return true
  return STATE.test(column) && RUNNING.test(value ? file.textOf(value) : text)
}

/** The lambda at the top of a file: `export const dispatch = createFunction(…, async ({ step }) => …)`. */
function outermostOf(file: File, call: Call): Func | null {
  let found: Func | null = null
  for (const outer of file.ancestorsOf(call)) if (outer.kind === "function") found = outer
  return found
}

const AT_REST = /inactive|disabled|paused|suspended|archived|revoked|expired|cancell?ed/i

const SAVES = /^(?:save\w*|Save\w*|asave|update\w*|merge|persist|flush|commit)$/

/** `job.status = "running"; job.save()` */
function entityMarked(
  file: File,
  fn: Func,
  read: RowCall,
  names: ReadonlySet<string>,
): Node | null {
  let marked: Node | null = null
  for (const assign of file.assignments) {
    const [target] = assign.targets
    if (assign.start < read.call.end || assign.end > fn.end || target?.kind !== "member") continue
    if (names.has(rootOf(target) ?? "") && isTakenValue(file, bare(target.name), assign.value))
      marked ??= assign
  }
  for (const call of file.calls) {
    if (marked || call.start < read.call.end || call.end > fn.end) continue
    const setter = /^set([A-Z]\w*)$/.exec(call.name)
    if (
      setter &&
      names.has(rootOf(call.callee) ?? "") &&
      isTakenValue(file, bare(setter[1]!), call.args[0] ?? null)
    )
      marked = call
  }
  const from = marked
  if (!from) return null
  const saved = file.calls.some(
    (call) =>
      call.start > from.start &&
      call.end <= fn.end &&
      SAVES.test(call.name) &&
      call.callee.kind === "member",
  )
  const isManaged = fn.annotations.some((one) => one.name.endsWith("Transactional"))
  return saved || isManaged ? from : null
}
