/** Statements that read and write rows. */
import { clausesOf, type Clause } from "./clauses.ts"
import { conditionsOf } from "./conditions.ts"
import type { SqlConflict, SqlRowLock, SqlSet, SqlStatement, SqlTable } from "./statement.ts"
import type { Span } from "./span.ts"
import { columnsOf, pathAt, tableAt, tablesIn } from "./tables.ts"
import { refersTo, valueOf } from "./values.ts"

export type Parts = Omit<
  SqlStatement,
  "verb" | "name" | "cte" | "calls" | "nested" | "start" | "end"
>

const NOTHING: Parts = {
  reads: [],
  writes: [],
  columns: [],
  sets: [],
  where: [],
  hasWhere: false,
  rowLock: null,
  onConflict: null,
  returning: null,
  limit: null,
  orderBy: [],
  uniques: [],
}

/** A statement of which only some parts are known. */
export function partsWith(parts: Partial<Parts>): Parts {
  return { ...NOTHING, ...parts }
}

/** `select …`, also of several ones joined by UNION. */
export function selectParts(span: Span): Parts | null {
  const clauses = clausesOf(span)
  const reads = readsOf(clauses)
  const isQuery =
    reads.length > 0 || clauses.some(({ head }) => head !== "select" && head !== "end")
  // `select` of prose has neither a table nor anything that is computed.
  if (!isQuery && !hasMarks(span)) return null
  const tail = tailOf(clauses)
  return partsWith({ ...tail, reads, limit: tail.limit ?? topIn(span) })
}

/** `select top 5 …`, `select top (@n) …`. */
function topIn(span: Span): SqlStatement["limit"] {
  const at = span.from + 2
  return span.has(span.from + 1, "top") ? valueOf(span.sub(at, span.after(at))) : null
}

function hasMarks(span: Span): boolean {
  for (let i = span.from; i < span.to; i++) {
    const { kind, text } = span.at(i)!
    if (kind === "punctuation" ? text === "(" : kind === "number" || kind === "parameter")
      return true
  }
  return false
}

/** `insert into …`, `replace into …`. */
export function insertParts(span: Span): Parts | null {
  const clauses = clausesOf(span)
  const into = clauses.find(({ head }) => head === "into")
  const at = into ? into.span.from : span.from + (span.has(span.from + 1, "ignore") ? 2 : 1)
  const table = tableAt(span, at)
  if (!table) return null
  const listAt = span.has(table.next, "(") ? table.next : -1
  const list = listAt < 0 ? null : span.inside(listAt)
  const isRows = clauses.some(({ head }) => /^(?:values|select|set|from)$/.test(head))
  if (!list && !isRows && !span.has(table.next, "default")) return null
  const writes = [asTable(table)]
  const tail = tailOf(clauses, writes)
  const isReplace = span.has(span.from, "replace") || span.has(span.from + 1, "or", "replace")
  const isIgnore = span.has(span.from + 1, "ignore") || span.has(span.from + 1, "or", "ignore")
  const silent = silentConflict(span, isReplace ? "update" : "nothing")
  return partsWith({
    ...tail,
    reads: readsOf(clauses),
    writes,
    columns: list && !isStatement(list) ? columnsOf(list) : [],
    onConflict: tail.onConflict ?? (isReplace || isIgnore ? silent : null),
  })
}

function isStatement(span: Span): boolean {
  return span.has(span.from, "select") || span.has(span.from, "with")
}

function silentConflict(span: Span, action: SqlConflict["action"]): SqlConflict {
  const first = span.sub(span.from, span.from + 2)
  return { columns: [], action, sets: [], where: [], start: first.start, end: first.end }
}

/** `update … set …`. */
export function updateParts(span: Span): Parts | null {
  const clauses = clausesOf(span)
  let at = span.from + 1
  if (span.has(at, "or")) at += 2
  while (span.has(at, "ignore") || span.has(at, "low_priority")) at++
  const table = tableAt(span, at)
  if (!table || !clauses.some(({ head, span: held }) => head === "set" && !held.isEmpty))
    return null
  const writes = [asTable(table)]
  return partsWith({ ...tailOf(clauses, writes), reads: readsOf(clauses), writes })
}

/** `delete from …`, with its `using`. */
export function deleteParts(span: Span): Parts | null {
  const clauses = clausesOf(span)
  const [first, ...rest] = clauses
  if (first?.head !== "from") return null
  const table = tableAt(first.span, first.span.from)
  if (!table) return null
  const writes = [asTable(table)]
  return partsWith({ ...tailOf(clauses, writes), reads: readsOf(rest), writes })
}

/** `merge into … using … when matched then update set …`. */
export function mergeParts(span: Span): Parts | null {
  const clauses = clausesOf(span)
  const [first] = clauses
  const at = first?.head === "into" ? first.span.from : span.from + 1
  const table = tableAt(span, at)
  if (!table || !clauses.some(({ head }) => head === "using")) return null
  const writes = [asTable(table)]
  return partsWith({ ...tailOf(clauses, writes), reads: readsOf(clauses), writes })
}

function asTable({ name, alias, start, end }: SqlTable): SqlTable {
  return { name, alias, start, end }
}

/** Tables also follow a comma after the condition of a join. */
function readsOf(clauses: readonly Clause[]): SqlTable[] {
  return clauses.flatMap(({ head, span }) => {
    if (head === "on") return span.parts().slice(1).flatMap(tablesIn)
    return head === "from" || head === "using" ? tablesIn(span) : []
  })
}

/** Everything that statements of several verbs have in common. */
function tailOf(clauses: readonly Clause[], writes: readonly SqlTable[] = []): Partial<Parts> {
  const conflictAt = clauses.findIndex(({ head }) => head === "conflict" || head === "duplicate")
  const own = conflictAt < 0 ? clauses : clauses.slice(0, conflictAt)
  const of = (head: Clause["head"]): Clause[] => own.filter((one) => one.head === head)
  const returning = clauses.find(({ head }) => head === "returning")
  const limit = of("limit")[0]
  const tables = writes.flatMap(({ name, alias }) => [name, alias])
  return {
    sets: of("set").flatMap(({ span }) => setsOf(span, tables)),
    where: of("where").flatMap(({ span }) => conditionsOf(span)),
    hasWhere: of("where").length > 0,
    rowLock: lockOf(of("lock")[0]),
    onConflict: conflictAt < 0 ? null : conflictOf(clauses.slice(conflictAt), tables),
    returning: returning ? columnsOf(returning.span) : null,
    limit: limit ? valueOf(limitIn(limit.span)) : null,
    orderBy: of("order").flatMap(({ span }) => columnsOf(span)),
  }
}

/** `limit 10`, MySQL's `limit 5, 10`, `fetch first 10 rows only`. */
function limitIn(span: Span): Span {
  const last = span.parts().at(-1) ?? span
  const isRows = last.has(last.from + 1, "rows") || last.has(last.from + 1, "row")
  return isRows ? last.sub(last.from, last.from + 1) : last
}

function lockOf(clause: Clause | undefined): SqlRowLock | null {
  if (!clause) return null
  const { span } = clause
  let strength: SqlRowLock["strength"] = "update"
  if (span.has(span.from, "no", "key")) strength = "no key update"
  else if (span.has(span.from, "key")) strength = "key share"
  else if (span.has(span.from, "share")) strength = "share"
  let skipLocked = false
  let noWait = false
  for (const i of span.outside()) {
    if (span.has(i, "skip", "locked")) skipLocked = true
    if (span.has(i, "nowait")) noWait = true
  }
  return { strength, skipLocked, noWait, start: clause.start, end: span.end }
}

/** `on conflict (…) do update set … where …`, which is several clauses. */
function conflictOf(clauses: readonly Clause[], tables: readonly (string | null)[]): SqlConflict {
  const [first, ...rest] = clauses
  const { span, start, head } = first!
  const setAt = rest.findIndex((clause) => clause.head === "set")
  const own = setAt < 0 ? [] : rest.slice(setAt)
  const inside = span.inside(span.from)
  const sets =
    head === "duplicate"
      ? setsOf(span, tables)
      : own.filter((one) => one.head === "set").flatMap((one) => setsOf(one.span, tables))
  const last = own.filter((one) => one.head === "set" || one.head === "where").at(-1)
  return {
    columns: inside && head === "conflict" ? columnsOf(inside) : [],
    action: sets.length > 0 ? "update" : "nothing",
    sets,
    where: own.filter((one) => one.head === "where").flatMap((one) => conditionsOf(one.span)),
    start,
    end: (last?.span ?? span).end,
  }
}

/** `a = 1, b = b + 1`, `(a, b) = (1, 2)`. */
function setsOf(span: Span, own: readonly (string | null)[]): SqlSet[] {
  return span.parts().flatMap((part) => {
    const list = part.inside(part.from)
    const path = list ? null : pathAt(part, part.from)
    const next = list ? part.after(part.from) : path?.next
    if (next === undefined || !(part.has(next, "=") || part.has(next, ":="))) return []
    const held = part.sub(next + 1, part.to)
    const columns = list ? columnsOf(list) : [path!.name]
    const values = list ? (held.inside(held.from)?.parts() ?? []) : []
    const at = { start: part.start, end: part.end }
    return columns.map((column, i) => {
      const one = values.length === columns.length ? values[i]! : held
      const value = valueOf(one)
      return { column, value, isSelfReferential: refersTo(one, column, own), ...at }
    })
  })
}
