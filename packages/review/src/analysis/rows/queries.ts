/** SQL that a file holds: its strings that read as statements, or all of it where it is a file of SQL. */
import type { Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { readSql } from "./sql/readSql.ts"
import { type SqlStatement, withNested } from "./sql/statement.ts"
import type { Program } from "../program/program.ts"
import { HOLE, textOfString } from "../program/text.ts"

export interface Query {
  /** The string, or the statement in a file of SQL. */
  readonly at: { readonly start: number; readonly end: number }
  /** The string's node; null in a file of SQL. */
  readonly node: Node | null
  readonly text: string
  /** Every statement in it, those within others too. */
  readonly statements: readonly SqlStatement[]
}

const STARTS =
  /^(?:\s|--[^\n]*\n)*(?:select|insert|update|delete|with|merge|lock|replace|create|alter)\s/i

const QUERIES = Symbol("queries of a file")

/** Every query of a file, in the order of the text. */
export function queriesOf(program: Program, file: File): readonly Query[] {
  return program.memo<File, readonly Query[]>(QUERIES, file, [], () =>
    file.language === "sql" ? ofSqlFile(file) : ofStrings(program, file),
  )
}

function ofSqlFile(file: File): Query[] {
  return readSql(file.text).map((statement) => ({
    at: statement,
    node: null,
    text: file.text.slice(statement.start, statement.end),
    statements: withNested([statement]),
  }))
}

function ofStrings(program: Program, file: File): Query[] {
  return file.texts.flatMap((node): Query[] => {
    if (!mayStart(node)) return []
    const whole = textOfString(program, file, node)
    if (whole === null || !STARTS.test(whole)) return []
    // Offsets of statements are those of the text that they were read from.
    const text = withoutHoles(whole)
    const statements = withNested(readSql(text))
    return statements.length > 0 ? [{ at: node, node, text, statements }] : []
  })
}

/** Whether a string may begin as a statement does, by what its first part says as it stands. */
function mayStart(node: Node): boolean {
  if (node.kind === "binary") return mayStart(node.left)
  if (node.kind === "template") return node.parts[0] === undefined || mayStart(node.parts[0])
  // A word may end in the next part.
  if (node.kind === "string") return node.value.trim().length < 8 || STARTS.test(node.value)
  return node.kind === "name" || node.kind === "member" || node.kind === "call"
}

/** A hole is a table where a table has to stand, else a parameter. */
export function withoutHoles(text: string): string {
  return text
    .replaceAll(
      new RegExp(`\\b(from|into|update|join|table)(\\s+)${HOLE}`, "gi"),
      "$1$2unknown_table",
    )
    .replaceAll(HOLE, "?")
}

/** The text of a part of a query; in a file of SQL the offsets of statements are those of the file. */
export function textIn(
  query: Query,
  part: { readonly start: number; readonly end: number },
): string {
  const base = query.node ? 0 : query.at.start
  return query.text.slice(Math.max(0, part.start - base), Math.max(0, part.end - base))
}

/** The call that a query is an argument of, wrappers like `text("…")` and a name in between passed over. */
export function callOf(file: File, query: Query): Call | null {
  return query.node ? callAround(file, query.node) : null
}

const WRAPPERS =
  /^(?:text|sql|raw|format|Sprintf|trimIndent|trimMargin|literal|unsafe|SQL|Query|prepareStatement)$/

function callAround(file: File, node: Node): Call | null {
  let inner: Node = node
  for (const outer of file.ancestorsOf(node)) {
    if (outer.kind === "call") {
      if (outer.callee === inner || !isWrapper(file, outer)) return outer
    } else if (outer.kind === "assign") {
      return usesOf(file, outer.targets[0], outer)[0] ?? null
    } else if (outer.kind === "class") {
      const field = outer.fields.find((one) => one.value === inner)
      return field ? (usesOfField(file, field.name)[0] ?? null) : null
    } else if (outer.kind === "block" || outer.kind === "function") return null
    inner = outer
  }
  return null
}

/** A tag like `sql` stands for its text where that is an argument again; alone it sends it. */
function isWrapper(file: File, call: Call): boolean {
  if (!call.isTagged) return WRAPPERS.test(call.name)
  const around = file.parentOf(call)
  return around?.kind === "call" && around.callee !== call
}

/** Calls that get a constant of their class as an argument: `this.#sql`, `Locks.TAKE`, `TAKE`. */
function usesOfField(file: File, name: string): Call[] {
  return file.calls.filter((call) =>
    call.args.some((arg) => (arg.kind === "name" || arg.kind === "member") && arg.name === name),
  )
}

/** Calls that get a variable as an argument. */
function usesOf(file: File, target: Node | undefined, after: Node): Call[] {
  if (target?.kind !== "name") return []
  return file.calls.filter(
    (call) =>
      call.start > after.start &&
      call.args.some((arg) => arg.kind === "name" && arg.name === target.name),
  )
}
