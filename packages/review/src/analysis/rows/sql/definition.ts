/** Statements that make and change tables, indexes and functions, and the short ones. */
import { type Parts, partsWith } from "./manipulation.ts"
import type { SqlUnique, SqlVerb } from "./statement.ts"
import { isName, type Span } from "./span.ts"
import { columnsOf, pathAt, tableAt } from "./tables.ts"

export interface Defined {
  readonly verb: SqlVerb
  readonly parts: Parts
}

/** `create …`: a table with its keys, an index, a function. */
export function createOf(span: Span): Defined | null {
  for (let i = span.from + 1; i < Math.min(span.to, span.from + 6); i++) {
    if (span.has(i, "table")) return tableOf(span, i + 1)
    if (span.has(i, "index")) return indexOf(span, i + 1, span.has(i - 1, "unique"))
    if (span.has(i, "function") || span.has(i, "procedure") || span.has(i, "trigger")) {
      const path = pathAt(span, i + 1)
      return path && { verb: "create function", parts: partsWith({ columns: [path.name] }) }
    }
  }
  return null
}

function afterIf(span: Span, from: number): number {
  let at = from
  while (span.has(at, "concurrently") || span.has(at, "only")) at++
  if (span.has(at, "if", "not", "exists")) at += 3
  if (span.has(at, "if", "exists")) at += 2
  while (span.has(at, "only")) at++
  return at
}

const CONSTRAINTS = new Set([
  "constraint",
  "primary",
  "unique",
  "foreign",
  "check",
  "key",
  "index",
  "exclude",
  "like",
])

function tableOf(span: Span, from: number): Defined | null {
  const path = pathAt(span, afterIf(span, from))
  if (!path) return null
  const { name, start, end } = path
  const columns: string[] = []
  const uniques: SqlUnique[] = []
  for (const part of span.inside(path.next)?.parts() ?? []) {
    const first = part.at(part.from)
    if (first && isName(first) && !(first.kind === "word" && CONSTRAINTS.has(first.text))) {
      columns.push(first.text)
      uniques.push(...columnKeys(part, name, first.text))
    } else uniques.push(...constraintIn(part, name))
  }
  const writes = [{ name, alias: null, start, end }]
  return { verb: "create table", parts: partsWith({ writes, columns, uniques }) }
}

/** `id uuid primary key`, `email text unique`. */
function columnKeys(part: Span, table: string, column: string): SqlUnique[] {
  const at = { start: part.start, end: part.end }
  for (const i of part.outside()) {
    const isPrimary = part.has(i, "primary", "key")
    if (isPrimary || part.has(i, "unique")) {
      return [{ table, columns: [column], isPrimary, isPartial: false, ...at }]
    }
  }
  return []
}

/** `constraint x unique (a, b)`, `primary key (a)`, MySQL's `unique key x (a)`. */
function constraintIn(part: Span, table: string): SqlUnique[] {
  let kind: "primary" | "unique" | null = null
  for (const i of part.outside()) {
    if (part.has(i, "primary", "key")) kind = "primary"
    else if (part.has(i, "unique")) kind = "unique"
    else if (part.has(i, "foreign") || part.has(i, "check") || part.has(i, "exclude")) return []
    const list = kind ? part.inside(i) : null
    if (list) {
      const at = { start: part.start, end: part.end }
      return [
        { table, columns: columnsOf(list), isPrimary: kind === "primary", isPartial: false, ...at },
      ]
    }
  }
  return []
}

function indexOf(span: Span, from: number, isUnique: boolean): Defined | null {
  let on = afterIf(span, from)
  while (on < span.to && !span.has(on, "on")) on = span.after(on)
  const table = pathAt(span, afterIf(span, on + 1))
  if (!table) return null
  const { name, start, end } = table
  let list = table.next
  while (list < span.to && !span.has(list, "(")) list++
  const inside = span.inside(list)
  const columns = inside ? columnsOf(inside) : []
  let isPartial = false
  for (let i = span.after(list); i < span.to; i = span.after(i)) {
    if (span.has(i, "where")) isPartial = true
  }
  const at = { start: span.start, end: span.end }
  const uniques = isUnique ? [{ table: name, columns, isPrimary: false, isPartial, ...at }] : []
  const writes = [{ name, alias: null, start, end }]
  return { verb: "create index", parts: partsWith({ writes, columns, uniques }) }
}

/** `alter table … add constraint … unique (…)`, `… add column …`. */
export function alterOf(span: Span): Defined | null {
  if (!span.has(span.from + 1, "table")) return null
  const path = pathAt(span, afterIf(span, span.from + 2))
  if (!path) return null
  const { name, start, end } = path
  const columns: string[] = []
  const uniques: SqlUnique[] = []
  for (const part of span.sub(path.next, span.to).parts()) {
    if (!part.has(part.from, "add")) continue
    const at = afterIf(part, part.from + (part.has(part.from + 1, "column") ? 2 : 1))
    const column = part.at(at)
    if (isName(column) && !CONSTRAINTS.has(column.text)) {
      columns.push(column.text)
      uniques.push(...columnKeys(part, name, column.text))
    } else uniques.push(...constraintIn(part, name))
  }
  const writes = [{ name, alias: null, start, end }]
  return { verb: "alter", parts: partsWith({ writes, columns, uniques }) }
}

/** A verb and one name: `lock table x in … mode`, `listen x`, `truncate x`, `drop table x`. */
export function shortOf(span: Span, verb: SqlVerb): Defined | null {
  let at = span.from + 1
  if (verb === "drop" && !/^(?:table|index)$/.test(span.at(at)?.text ?? "")) return null
  if (verb === "drop" || span.has(at, "table")) at++
  const table = tableAt(span, afterIf(span, at))
  if (!table) return null
  const { name, alias, start, end } = table
  const rest = span.to - table.next
  const isWhole =
    verb === "listen"
      ? rest === 0
      : verb === "notify"
        ? rest === 0 || span.has(table.next, ",")
        : true
  const isLock = verb !== "lock" || span.has(span.from + 1, "table") || span.has(table.next, "in")
  if (!isWhole || !isLock) return null
  return { verb, parts: partsWith({ writes: [{ name, alias, start, end }] }) }
}
