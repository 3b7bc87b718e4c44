/** What makes reading a row and writing it again safe: a lock on it, a version, a condition on what was read. */
import type { Func, Node } from "../../ir/nodes.ts"
import { withoutComments } from "../program/comments.ts"
import { callersOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { question } from "../program/question.ts"
import { typeOf } from "../program/resolve.ts"
import { type RowCall, textOfRow, textOfWay } from "./rowCall.ts"
import { rowCallsOf } from "./rowCalls.ts"
import { singular } from "./rows.ts"
import { takesLock } from "./rowLocks.ts"

export const VERSION_COLUMN =
  /^(?:version|lockversion|optlock|rowversion|revision|rev|etag|v|seq|sequence|generation|epoch|updatedat|modifiedat|lastmodified|xmin)$/

/** Whether a function, or one that calls it, holds a lock or raises the isolation. */
export function isRowGuarded(program: Program, file: File, fn: Func): boolean {
  if (isGuardedHere(file, fn) || locksThroughCall(program, file, fn)) return true
  if (fn.name === "") return false
  return callersOf(program, { file, fn }).some((site) => {
    const outer = site.file.methodOf(site.call)
    return outer !== null && isGuardedHere(site.file, outer)
  })
}

const ROW_LOCKS =
  /for\s+(?:no\s+key\s+)?update|for_?update|updlock|pessimistic|advisory_?(?:xact_?)?lock|Locking\{|lock\s+table|@Lock\b/i

/** A function that it calls locks a row: the lock lasts as long as the transaction of both. */
function locksThroughCall(program: Program, file: File, fn: Func): boolean {
  return rowCallsOf(program, file).some(
    (row) =>
      row.locks &&
      row.through !== undefined &&
      row.call.start >= fn.start &&
      row.call.end <= fn.end &&
      ROW_LOCKS.test(`${textOfWay(row)} ${textOfRow(file, row)}`),
  )
}

/** The annotations of a method stand before its name. */
function isGuardedHere(file: File, fn: Func): boolean {
  return (
    // A comment that speaks of a lock is none.
    (takesLock(file.textOf(fn)) && takesLock(withoutComments(file, fn))) ||
    fn.annotations.some((one) =>
      /lock|serializable/i.test(`${one.name} ${one.args.map((arg) => file.textOf(arg)).join(" ")}`),
    )
  )
}

/** Whether a write goes through only where the row is as it was read. */
export function isConditional(write: RowCall, column: string): boolean {
  return write.where.some((one) => one.column === column || VERSION_COLUMN.test(one.column))
}

// TypeORM's VersionColumn is not among them: it counts the saves and keeps none from happening.
const VERSIONED =
  /@Version\b|version_id_col|optimisticConcurrency\s*:\s*true|optimisticlock\.Version|@OptimisticLocking|VersionField|ConcurrentTransitionMixin/

const BY_TABLE = question("tables with versions", (program): string[] => {
  const names = new Set<string>()
  for (const source of program.sources) {
    if (!VERSIONED.test(source.text)) continue
    for (const one of source.summary.classes) names.add(singular(one.name))
    // Schemas of documents have no class: their file's name tells.
    if (source.summary.classes.length === 0)
      names.add(singular(source.path.split("/").at(-1)!.replace(/\..*$/, "")))
  }
  return [...names].sort()
})

/** Whether the class of a row has a version that its mapper checks. */
export function isVersioned(
  program: Program,
  file: File,
  at: Node,
  entity: string | null,
  table: string | null,
): boolean {
  const names = new Set<string>()
  if (entity) {
    const node: Node = { kind: "name", name: entity, start: at.start, end: at.start }
    const type = typeOf(program, file, node, at)
    if (type) names.add(singular(type))
  }
  if (table) names.add(table)
  const classes = program.ask(BY_TABLE, "")
  return [...names].some((name) => classes.includes(name))
}
