/** Names of tables and columns where a statement has them. */
import type { SqlTable } from "./statement.ts"
import { isName, type Span } from "./span.ts"

/** What may follow a table and is not its alias. */
const AFTER = new Set(
  (
    "set where on using join left right inner outer full cross natural lateral from values select returning order " +
    "group having limit offset fetch for union intersect except window when with do in if as default and or not is " +
    "between like force use ignore partition tablesample into only then restrict cascade add drop alter rename"
  ).split(" "),
)

export interface Path {
  /** The last part, without its schema. */
  readonly name: string
  readonly start: number
  readonly end: number
  /** The index after it. */
  readonly next: number
}

/** A name with or without a schema; a hole may be either. */
export function pathAt(span: Span, from: number): Path | null {
  let at = from
  while (isPart(span, at) && span.has(at + 1, ".") && isPart(span, at + 2)) at += 2
  const last = span.at(at)
  if (!last || !isPart(span, at)) return null
  return { name: last.text, start: span.at(from)!.start, end: last.end, next: at + 1 }
}

function isPart(span: Span, index: number): boolean {
  const token = span.at(index)
  if (token?.kind === "parameter") return !/^[$?]\d*$/.test(token.text)
  return isName(token)
}

/** A table with its alias; null where no table stands, as with a subquery or a function. */
export function tableAt(span: Span, from: number): (SqlTable & { readonly next: number }) | null {
  let at = from
  while (span.has(at, "only") || span.has(at, "lateral") || span.has(at, "table")) at++
  const path = pathAt(span, at)
  if (!path || (AFTER.has(path.name) && path.next === at + 1 && span.at(at)!.kind === "word")) {
    return null
  }
  const { name, start, end } = path
  const aliasAt = span.has(path.next, "as") ? path.next + 1 : path.next
  const token = span.at(aliasAt)
  const isAlias = isName(token) && !(token.kind === "word" && AFTER.has(token.text))
  return isAlias
    ? { name, alias: token.text, start, end, next: aliasAt + 1 }
    : { name, alias: null, start, end, next: path.next }
}

/** The tables between commas: `a, b as c, (select …) d`. */
export function tablesIn(span: Span): SqlTable[] {
  return span.parts().flatMap((part) => {
    const table = tableAt(part, part.from)
    if (!table || part.has(table.next, "(") || part.has(table.next - 1, "(")) return []
    const { name, alias, start, end } = table
    return [{ name, alias, start, end }]
  })
}

/** The names in a list of columns: the last part of each, or the text of what is no name. */
export function columnsOf(span: Span): string[] {
  return span.parts().map((part) => {
    const path = pathAt(part, part.from)
    if (path && part.has(path.next, ".", "*")) return "*"
    const isPlain = path !== null && !part.has(path.next, "(")
    if (isPlain) return path.name
    const texts: string[] = []
    for (let i = part.from; i < part.to; i++) texts.push(part.at(i)!.text)
    return texts.join("")
  })
}
