/**
 * Columns that a text says are unique together: models of mappers, schemas of documents and of Prisma, migrations that
 * are code. SQL is read elsewhere.
 */
import { bare, singular } from "./rows.ts"

export interface UniqueKey {
  /** In the singular, without case and underscores. */
  readonly table: string
  readonly columns: readonly string[]
}

/** A model of Prisma's schema: its name, and its keys. */
export function keysOfPrisma(text: string): { table: string; keys: string[][] }[] {
  return [...text.matchAll(/^model\s+(\w+)\s*\{([\s\S]*?)^\}/gm)].map(([, name, body]) => ({
    table: singular(name!),
    keys: [
      ...[...body!.matchAll(/^\s*(\w+)\s+\S+[^\n]*?@(?:unique|id)\b/gm)].map((one) => [one[1]!]),
      ...[...body!.matchAll(/@@(?:unique|id)\(\s*(?:fields:\s*)?\[([^\]]*)\]/g)].map((one) =>
        wordsIn(one[1]!),
      ),
    ].map((columns) => columns.map(bare)),
  }))
}

/** Tables of Drizzle, with the text of each. */
export function tablesOfDrizzle(text: string): { table: string; keys: string[][] }[] {
  const starts = [...text.matchAll(/\b(?:pg|mysql|sqlite|singlestore)Table\(\s*["'`](\w+)["'`]/g)]
  return starts.map((start, index) => {
    const body = text.slice(start.index, starts[index + 1]?.index)
    const keys = [
      ...[...body.matchAll(/(\w+):\s*\w+\([^\n]*\)\.(?:unique|primaryKey)\(/g)].map((one) => [
        one[1]!,
      ]),
      ...[...body.matchAll(/\b(?:unique\w*|primaryKey)\([^)]*\)\s*\.on\(([^)]*)\)/g)].map((one) =>
        wordsIn(one[1]!),
      ),
      ...[...body.matchAll(/\bprimaryKey\(\{[^}]*columns:\s*\[([^\]]*)\]/g)].map((one) =>
        wordsIn(one[1]!),
      ),
    ]
    return { table: singular(start[1]!), keys: keys.map((columns) => columns.map(bare)) }
  })
}

/**
 * The keys that the text of one class tells. A text that speaks of uniqueness in another way gives an empty key, which
 * fits every question: what cannot be read is believed.
 */
export function keysOfClass(text: string): string[][] {
  const keys = [
    ...fieldsWith(text, /\bunique\s*[=:]\s*(?:True|true)/g),
    ...fieldsWith(text, /\bprimary_key\s*=\s*True/g, true),
    ...[
      ...text.matchAll(/\bunique_together\s*=\s*(?:\[|\(|\{)?([^\n]*(?:\n\s+[("'][^\n]*)*)/g),
    ].map((one) => stringsIn(one[1]!)),
    ...callsOf(text, /(?<!@)\bUniqueConstraint\(/g).map((one) => namesIn(one)),
    ...callsOf(text, /@(?:Unique|UniqueConstraint|Index|CompoundIndex)\(/g)
      .filter((one) => /^@Unique|unique\s*[:=]\s*true/.test(one))
      .map((one) => namesIn(one)),
    ...callsOf(text, /\bIndex\(/g)
      .filter((one) => /unique\s*=\s*True/.test(one))
      // The condition of a partial index is no column of it.
      .map((one) =>
        stringsIn(one)
          .slice(1)
          .filter((name) => /^\w+$/.test(name)),
      ),
    ...gormKeys(text),
  ].filter((columns) => columns.length > 0)
  const isSpoken = /unique/i.test(text) && !keys.some((columns) => columns.length > 0)
  return isSpoken ? [[]] : keys.map((columns) => columns.map(bare))
}

/** Alembic: `op.create_unique_constraint(None, "users", ["email"])`, `op.create_index(…, unique=True)`. */
export function keysOfMigration(text: string): UniqueKey[] {
  return callsOf(text, /\bop\.create_(?:unique_constraint|index)\(/g).flatMap((one) => {
    if (one.includes("create_index") && !/unique\s*=\s*True/.test(one)) return []
    const columns = /\[([^\]]*)\]/.exec(one)
    const [table] = stringsIn(one.slice(0, columns?.index)).slice(-1)
    if (!columns || !table) return []
    return [{ table: singular(table), columns: stringsIn(columns[1]!).map(bare) }]
  })
}

/** The fields whose declaration says something; `isTogether` makes one key of all of them. */
function fieldsWith(text: string, what: RegExp, isTogether = false): string[][] {
  const names: string[] = []
  for (const { index } of text.matchAll(what)) {
    const before = text.slice(0, index)
    // Python's and JavaScript's fields stand before; an annotation stands before its field.
    const annotation = before.lastIndexOf("@")
    const declared = [...before.matchAll(/(?:^|\n)[ \t]*(\w+)\s*(?::[^=\n]*)?=\s*[\w.]+\(/g)].at(-1)
    if (annotation > (declared?.index ?? -1)) {
      const field =
        /\)\s*(?:@\w+(?:\([^)]*\))?\s*)*(?:(?:private|public|protected|readonly|final|var|val|lateinit|declare)\s+)*(?:[\w<>.?[\]]+\s+)?(\w+)\s*[;:!?=,)]/.exec(
          text.slice(index),
        )
      if (field) names.push(field[1]!)
    } else if (declared) names.push(declared[1]!)
  }
  if (names.length === 0) return []
  return isTogether ? [names] : names.map((name) => [name])
}

/** GORM's tags: `gorm:"uniqueIndex"`, `gorm:"uniqueIndex:by_owner"` on each of several fields. */
function gormKeys(text: string): string[][] {
  const byName = new Map<string, string[]>()
  for (const [, field, tag] of text.matchAll(/^\s*(\w+)\s+[^\n`]*`[^`\n]*gorm:"([^"]*)"/gm)) {
    const unique = /\b(?:unique(?:Index)?|primaryKey|primary_key)\b(?::(\w+))?/i.exec(tag!)
    if (!unique) continue
    const name = unique[1] ?? field!
    byName.set(name, [...(byName.get(name) ?? []), field!])
  }
  return [...byName.values()]
}

/** The texts of calls, up to their closing parenthesis. */
function callsOf(text: string, head: RegExp): string[] {
  return [...text.matchAll(head)].map(({ index, 0: found }) => {
    let depth = 1
    let end = index + found.length
    for (; end < text.length && depth > 0 && end - index < 800; end++) {
      if (text[end] === "(") depth++
      else if (text[end] === ")") depth--
    }
    return text.slice(index, end)
  })
}

/** The columns of a constraint; names of the constraint itself are left out. */
function namesIn(call: string): string[] {
  const list =
    /(?:fields|columnNames|columns|columnList|def)\s*[=:]\s*(?:\[|\(|\{|["'])([^\])}]*)/.exec(call)
  const bracketed = list ?? /[[{(]\s*((?:["'][\w, ]+["']\s*,?\s*)+)[\]})]/.exec(call)
  return bracketed
    ? wordsIn(bracketed[1]!)
    : stringsIn(call.replaceAll(/name\s*=\s*["'][^"']*["']/g, ""))
}

function stringsIn(text: string): string[] {
  return [...text.matchAll(/["'`](\w+)["'`]/g)].map((one) => one[1]!)
}

function wordsIn(text: string): string[] {
  return [...text.matchAll(/(?:\w+\.)?(\w+)/g)].map((one) => one[1]!)
}
