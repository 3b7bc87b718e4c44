/** What a value is, and which functions and columns are in it. */
import type { SqlCall, SqlValue, SqlValueKind } from "./statement.ts"
import { isName, type Span } from "./span.ts"

/** The clock of the database without parentheses. */
const CLOCKS = new Set([
  "current_timestamp",
  "current_date",
  "current_time",
  "localtimestamp",
  "localtime",
  "sysdate",
  "systimestamp",
])

/** Words that are neither columns nor functions. */
const WORDS = new Set(
  (
    "select from where and or not in is null true false case when then else end as on by set values any all some exists " +
    "between like ilike similar distinct interval array cast default asc desc nulls first last with over partition " +
    "filter row rows returning using into limit offset order group having union except intersect for update at time " +
    "zone collate escape year month day hour minute second both leading trailing if do nothing conflict"
  ).split(" "),
)

const LITERALS = new Set(["true", "false"])

/** Whether a word heads a statement that parentheses may hold. */
export function startsStatement(span: Span): boolean {
  const token = span.at(span.from)
  return token?.kind === "word" && /^(?:select|with|insert|update|delete|values)$/.test(token.text)
}

/** Functions called in a span, those of statements nested in it left out. */
export function callsIn(span: Span): SqlCall[] {
  const found: SqlCall[] = []
  for (let i = span.from; i < span.to; i++) {
    const token = span.at(i)!
    const inside = span.inside(i)
    if (inside && startsStatement(inside)) i = span.after(i) - 1
    else if (token.kind === "word" && CLOCKS.has(token.text)) {
      found.push({ name: "now", args: [], start: token.start, end: token.end })
    } else if (isCallAt(span, i)) {
      const args = span.inside(i + 1)!
      const end = span.tokens[Math.min(args.to, span.tokens.length - 1)]!.end
      found.push({
        name: token.text.toLowerCase(),
        args: args.parts().map(plainValue),
        start: token.start,
        end,
      })
    }
  }
  return found
}

function isCallAt(span: Span, i: number): boolean {
  const token = span.at(i)!
  // `sqlc.arg(x)` is a parameter.
  if (span.has(i - 1, ".") && span.has(i - 2, "sqlc")) return false
  return isName(token) && span.has(i + 1, "(") && !WORDS.has(token.text)
}

interface ColumnName {
  readonly name: string
  /** The table or alias before it; a hole stands for any. */
  readonly table: string | null
}

/** Columns named in a span, without those of `excluded`, of subqueries and of MySQL's `values(x)`. */
function columnsIn(span: Span): ColumnName[] {
  const found: ColumnName[] = []
  for (let i = span.from; i < span.to; i++) {
    const token = span.at(i)!
    const inside = span.inside(i)
    if (inside && startsStatement(inside)) i = span.after(i) - 1
    else if (span.has(i, "values", "(")) i = span.after(i + 1) - 1
    else if (span.has(i, "::")) i++
    else if (isName(token) && isColumnAt(span, i)) {
      const table = span.has(i - 1, ".") ? (span.at(i - 2)?.text ?? null) : null
      if (!/^(?:excluded|new)$/i.test(table ?? "")) found.push({ name: token.text, table })
    }
  }
  return found
}

/** Not a function, a table, a type, a word of SQL or the name of an argument. */
function isColumnAt(span: Span, i: number): boolean {
  if (span.has(i + 1, "(") || span.has(i + 1, ".") || span.has(i + 1, "=>")) return false
  if (span.has(i - 1, "as")) return false
  const { kind, text } = span.at(i)!
  return kind === "quoted" || !(WORDS.has(text) || CLOCKS.has(text))
}

/** Whether a value is made of a column of one of these tables; a column without a table may be of any. */
export function refersTo(span: Span, column: string, tables: readonly (string | null)[]): boolean {
  return columnsIn(span).some(
    ({ name, table }) =>
      name === column && (table === null || tables.includes(table) || table.includes("\uFFFC")),
  )
}

/** The value of a span with all that is in it. */
export function valueOf(span: Span): SqlValue {
  const functions = [...new Set(callsIn(span).map((call) => call.name))]
  const columns = [...new Set(columnsIn(span).map(({ name }) => name))]
  return {
    kind: kindOf(span, functions, columns),
    functions,
    columns,
    start: span.start,
    end: span.end,
  }
}

/** An argument: only what it is, since what is in it is found with the call around it. */
function plainValue(span: Span): SqlValue {
  const { start, end } = span
  return { kind: simpleKind(span) ?? "expression", functions: [], columns: [], start, end }
}

/** A value that is a single thing, whatever it is cast to. */
function simpleKind(whole: Span): SqlValueKind | null {
  const span = whole.unwrapped()
  const first = span.at(span.from)
  if (!first) return null
  const next = span.at(span.from + 1)
  const isSingle = next === undefined || next.text === "::"
  if (isSingle) {
    if (first.kind === "parameter") return "parameter"
    if (first.kind === "string" || first.kind === "number") return "literal"
    if (first.kind === "word" && LITERALS.has(first.text)) return "literal"
    if (span.has(span.from, "null")) return "null"
    if (span.has(span.from, "default")) return "default"
  }
  if (span.has(span.from, "interval") && next?.kind === "string") return "literal"
  if (span.has(span.from, "sqlc", ".")) return "parameter"
  return null
}

function kindOf(
  whole: Span,
  functions: readonly string[],
  columns: readonly string[],
): SqlValueKind {
  const simple = simpleKind(whole)
  if (simple) return simple
  const span = whole.unwrapped()
  if (startsStatement(span)) return "subquery"
  const held =
    span.has(span.from, "any") || span.has(span.from, "all") ? span.inside(span.from + 1) : null
  if (held) return startsStatement(held) ? "subquery" : (simpleKind(held) ?? "expression")
  if (functions.length > 0) return "function"
  const isPath = [...span.outside()].every((i) => isName(span.at(i)) || span.has(i, "."))
  // Of `excluded` too, whose columns are not those of the table.
  if (isPath && (columns.length === 1 || span.has(span.from + 1, "."))) return "column"
  if (columns.length > 0) return "expression"
  const kinds = new Set(span.parts().map((part) => simpleKind(part)))
  if (kinds.size === 1) return [...kinds][0] ?? hiddenKind(span)
  return hiddenKind(span)
}

/** Of arithmetic without columns: a parameter if there is one. */
function hiddenKind(span: Span): SqlValueKind {
  for (let i = span.from; i < span.to; i++) if (span.at(i)!.kind === "parameter") return "parameter"
  return "expression"
}
