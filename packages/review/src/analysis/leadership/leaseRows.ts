/**
 * Rows of a table that say who leads: which statements renew or give up a lease, and whether they name the term or
 * only the owner. An owner that is elected again has the same name and another term.
 */
import type { At } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { type Query, queriesOf } from "../rows/queries.ts"
import { sourcesMentioning } from "../program/question.ts"
import { folderOf } from "../program/resolve.ts"
import type { SqlCondition, SqlStatement } from "../rows/sql/statement.ts"

/** A statement that changes a lease by its owner alone. */
export interface OwnerOnly {
  /** The comparison of the owner, in the file where it can be told. */
  readonly at: At
  readonly verb: "renews" | "gives up"
  readonly table: string
  readonly owner: string
  /** The column that the statement leaves out. */
  readonly term: string
  /** Where the column is written or declared. */
  readonly declared: { readonly file: File; readonly at: At }
}

/** Files of one repository that are asked for the columns of a table. */
const MAX_FILES = 12

const LEADER = /^(?:leaders?|leadership|elections?|leases?|leaseholders?|electors?|masters?)$/
const LOCKS = /^(?:locks?|mutex(?:es)?)$/
const OWNER =
  /^(?:leader(?:_?id)?|owner(?:_?(?:id|name))?|holder(?:_?(?:id|identity))?|(?:held|locked|owned|acquired|leased)_?by|(?:instance|node|worker|process|client|member|replica|server|host|pod)(?:_?(?:id|name))?|identity)$/i
/** Columns that are new for every term whatever the table is called. */
const TERM =
  /^(?:term|epoch|(?:lease|leader)_?(?:epoch|term|version|generation|seq)|term_?(?:id|number|no)|generation|fenc(?:e|ing)(?:_?token)?|incarnation|ballot|elected_?at)$/i
/** Columns that are new for every term in a table of leaders. */
const TERM_OF_LEADER =
  /^(?:acquired_?at|version|revision|lease_?id|counter|sequence|leader_?since|started_?at)$/i

/** Every statement of a file that renews or gives up a lease by its owner alone. */
export function ownerOnlyIn(program: Program, file: File): OwnerOnly[] {
  const found: OwnerOnly[] = []
  for (const query of queriesOf(program, file)) {
    for (const statement of query.statements) {
      const change = changeOf(statement)
      if (!change) continue
      const owner = change.where.find(
        (one) => OWNER.test(one.column) && one.op === "=" && !one.isOptional,
      )
      // A comparison with another column joins; one with the row that was to be inserted is the owner's own name.
      if (!owner || owner.value.columns.length > 0) continue
      if (change.where.some((one) => isTerm(change.table, one.column))) continue
      const declared = termOf(program, file, change.table)
      if (!declared || isWritten(statement, declared.column)) continue
      found.push({
        at: placeIn(file, query, owner),
        verb: change.verb,
        table: change.table,
        owner: owner.column,
        term: declared.column,
        declared,
      })
    }
  }
  return found
}

interface LeaseChange {
  readonly table: string
  readonly verb: OwnerOnly["verb"]
  readonly where: readonly SqlCondition[]
}

function changeOf(statement: SqlStatement): LeaseChange | null {
  const [written] = statement.writes
  if (!written || !isLeaseTable(written.name)) return null
  const table = written.name
  if (statement.verb === "delete") {
    const locked = statement.nested.filter(
      (one) => one.rowLock && one.reads.some((read) => read.name === table),
    )
    return {
      table,
      verb: "gives up",
      where: [...statement.where, ...locked.flatMap((one) => one.where)],
    }
  }
  if (statement.verb === "update") {
    // What writes the owner takes the lease, and begins a term by it.
    if (statement.sets.some((set) => OWNER.test(set.column) && set.value.kind !== "null"))
      return null
    const isFreed = statement.sets.some((set) => OWNER.test(set.column))
    return { table, verb: isFreed ? "gives up" : "renews", where: statement.where }
  }
  const { onConflict } = statement
  if (statement.verb !== "insert" || onConflict?.action !== "update") return null
  if (onConflict.sets.some((set) => OWNER.test(set.column))) return null
  return { table, verb: "renews", where: onConflict.where }
}

function isLeaseTable(name: string): boolean {
  return wordsOf(name).some((word) => LEADER.test(word) || LOCKS.test(word))
}

function isTerm(table: string, column: string): boolean {
  if (TERM.test(column)) return true
  return TERM_OF_LEADER.test(column) && wordsOf(table).some((word) => LEADER.test(word))
}

/** Whether a statement sets the term: it begins one then. */
function isWritten(statement: SqlStatement, column: string): boolean {
  const sets = [...statement.sets, ...(statement.onConflict?.sets ?? [])]
  return sets.some((set) => set.column === column)
}

/** The term column of a table, where the repository declares or writes one. */
function termOf(
  program: Program,
  file: File,
  table: string,
): { readonly column: string; readonly file: File; readonly at: At } | null {
  for (const from of filesWith(program, file, table)) {
    for (const query of queriesOf(program, from)) {
      for (const statement of query.statements) {
        if (!/^(?:create table|insert|alter)$/.test(statement.verb)) continue
        if (!statement.writes.some((one) => one.name === table)) continue
        const column = statement.columns.find((one) => isTerm(table, one))
        if (column) return { column, file: from, at: query.node ? query.at : statement }
      }
    }
  }
  return null
}

/** The file itself, files of SQL, and files beside it that mention a table. */
function filesWith(program: Program, file: File, table: string): File[] {
  const files = [file]
  for (const source of sourcesMentioning(program, table)) {
    if (files.length >= MAX_FILES) break
    if (source.path === file.path) continue
    if (source.language !== "sql" && folderOf(source.path) !== folderOf(file.path)) continue
    const other = program.file(source.path)
    if (other) files.push(other)
  }
  return files
}

/** Offsets of a statement are those of its text; in a string they are found again where nothing is escaped. */
function placeIn(file: File, query: Query, at: At): At {
  if (!query.node) return at
  const base = file.text.indexOf(query.text, query.at.start)
  if (base < 0 || base + query.text.length > query.at.end) return query.at
  return { start: base + at.start, end: base + at.end }
}
