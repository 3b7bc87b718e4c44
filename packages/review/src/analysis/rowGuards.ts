/** What makes reading a row and writing it again safe: a lock on it, a version, a condition on what was read. */
import type { Func, Node } from "../ir/nodes.ts"
import { withoutComments } from "./comments.ts"
import { callersOf } from "./definitions.ts"
import type { File } from "./file.ts"
import type { Program } from "./program.ts"
import { question } from "./question.ts"
import { typeOf } from "./resolve.ts"
import { type RowCall, singular } from "./rowCalls.ts"

// A pool's `acquire()` gives a connection, and an advisory may be a bulletin.
const GUARDS =
  /for\s+(?:no\s+key\s+)?update|\.for\(["'](?:no key )?update["']|for_update|forUpdate|updlock|lock_?for|with_?lock|runExclusive|\bsynchronized\b|mutex|\.lock\(|\.rlock\(|(?<!(?:pool|engine|database|db)(?:\(\))?\.)acquire(?!d|_?conn)|redlock|advisory_?(?:xact_?)?(?:un)?lock|(?<![a-z_])serializable(?![a-z_])|repeatable.?read|\.watch\(|compareAnd|ConditionExpression|optimistic_?(?:lock|concurrency|version|transaction)|StaleObject|pessimistic|Locking\{|skip_?locked|lock\s+table|lockMode|singleflight|setLock/i
/** Redis's command; a path may be called so too. */
const WATCHES = /\bWATCH\b/

export const VERSION_COLUMN =
  /^(?:version|lockversion|optlock|rowversion|revision|rev|etag|v|seq|sequence|generation|epoch|updatedat|modifiedat|lastmodified|xmin)$/

/** Whether a text speaks of a lock on rows, or of an isolation that does as much. */
export function takesLock(text: string): boolean {
  return GUARDS.test(text) || WATCHES.test(text)
}

/** Whether a function, or one that calls it, holds a lock or raises the isolation. */
export function isRowGuarded(program: Program, file: File, fn: Func): boolean {
  if (isGuardedHere(file, fn)) return true
  if (fn.name === "") return false
  return callersOf(program, { file, fn }).some((site) => {
    const outer = site.file.methodOf(site.call)
    return outer !== null && isGuardedHere(site.file, outer)
  })
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
