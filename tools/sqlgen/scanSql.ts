/**
 * Just enough of a SQL lexer to tell code from strings and comments, for SQLite and Postgres alike.
 * Regular expressions over the whole text would take `'--'` for a comment and `;` in a string for an end.
 */

export interface SqlSegment {
  readonly kind: "code" | "quoted" | "comment"
  readonly text: string
}

const DOLLAR_TAG = /\$(?:[a-z_][a-z0-9_]*)?\$/iy

/** Splits `sql` into segments whose texts, joined, are `sql` again. An unclosed quote runs to the end. */
export function scanSql(sql: string): SqlSegment[] {
  const segments: SqlSegment[] = []
  let codeStart = 0
  let at = 0
  while (at < sql.length) {
    const end = segmentEnd(sql, at)
    if (end === at) {
      at += 1
      continue
    }
    if (codeStart < at) segments.push({ kind: "code", text: sql.slice(codeStart, at) })
    const isComment = sql.startsWith("--", at) || sql.startsWith("/*", at)
    segments.push({ kind: isComment ? "comment" : "quoted", text: sql.slice(at, end) })
    at = end
    codeStart = end
  }
  if (codeStart < at) segments.push({ kind: "code", text: sql.slice(codeStart, at) })
  return segments
}

/** Where the comment or quoted text that starts at `at` ends, or `at` itself when code stands there. */
function segmentEnd(sql: string, at: number): number {
  if (sql.startsWith("--", at)) return indexOrEnd(sql, "\n", at)
  if (sql.startsWith("/*", at)) return afterIndexOrEnd(sql, "*/", at + 2)
  const char = sql.charAt(at)
  if (char === "'" || char === '"' || char === "`") return quoteEnd(sql, char, at)
  if (char === "$") {
    DOLLAR_TAG.lastIndex = at
    const tag = DOLLAR_TAG.exec(sql)?.[0]
    if (tag !== undefined) return afterIndexOrEnd(sql, tag, at + tag.length)
  }
  return at
}

/** A doubled quote inside a quoted text stands for one quote and does not end it. */
function quoteEnd(sql: string, quote: string, at: number): number {
  let end = at + 1
  while (end < sql.length) {
    if (sql.charAt(end) !== quote) end += 1
    else if (sql.charAt(end + 1) === quote) end += 2
    else return end + 1
  }
  return end
}

function indexOrEnd(sql: string, text: string, from: number): number {
  const index = sql.indexOf(text, from)
  return index === -1 ? sql.length : index
}

function afterIndexOrEnd(sql: string, text: string, from: number): number {
  const index = sql.indexOf(text, from)
  return index === -1 ? sql.length : index + text.length
}

/**
 * The statement text a database gets: no comments, no blank lines, no space at line ends, no final
 * semicolon. Quoted text is kept byte for byte.
 */
export function compactSql(sql: string): string {
  const parts: string[] = []
  let code = ""
  const flush = (): void => {
    parts.push(code.replaceAll(/[ \t]+(?=\n)/g, "").replaceAll(/\n(?:[ \t]*\n)+/g, "\n"))
    code = ""
  }
  for (const { kind, text } of scanSql(sql.replaceAll("\r\n", "\n"))) {
    // A block comment separates words, so a space takes its place; a line comment leaves its line end behind.
    if (kind === "comment") code += text.startsWith("/*") ? " " : ""
    else if (kind === "code") code += text
    else {
      flush()
      parts.push(text)
    }
  }
  flush()
  return parts.join("").trim().replace(/;$/, "").trimEnd()
}

/** Whether anything stands after a semicolon, i.e. the text holds more than one statement. */
export function hasSeveralStatements(sql: string): boolean {
  let ended = false
  for (const { kind, text } of scanSql(compactSql(sql))) {
    if (ended && text.trim() !== "") return true
    if (kind !== "code") continue
    const index = text.indexOf(";")
    if (index === -1) continue
    if (text.slice(index + 1).trim() !== "") return true
    ended = true
  }
  return false
}
