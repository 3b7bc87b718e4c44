/**
 * Reads SQL of any dialect as far as rules ask: which rows a statement reads and writes, under which conditions and
 * locks. It never fails; what it does not understand is no statement.
 */
import { alterOf, createOf, type Defined, shortOf } from "./definition.ts"
import {
  deleteParts,
  insertParts,
  mergeParts,
  type Parts,
  partsWith,
  selectParts,
  updateParts,
} from "./manipulation.ts"
import type { SqlCall, SqlStatement, SqlVerb } from "./statement.ts"
import { isName, MAX_NESTING, Span } from "./span.ts"
import { type Token, type Tokens, tokensOf } from "./tokens.ts"
import { callsIn, startsStatement } from "./values.ts"

/** Statements in order, each with those within it. Offsets are those of the text. */
export function readSql(text: string): SqlStatement[] {
  return readTokens(tokensOf(text), 0)
}

function readTokens({ tokens, names }: Tokens, depth: number): SqlStatement[] {
  const found: SqlStatement[] = []
  let from = 0
  let named = 0
  for (let i = 0; i <= tokens.length; i++) {
    if (i < tokens.length && !isSemicolon(tokens[i]!)) continue
    const span = new Span(tokens, from, i)
    let name: string | null = null
    for (; named < names.length && names[named]!.end <= (tokens[i - 1]?.end ?? 0); named++) {
      name = names[named]!.name
    }
    if (!span.isEmpty) found.push(...statementsIn(span, { name, cte: null, depth, ctes: NONE }))
    from = i + 1
  }
  return found
}

function isSemicolon(token: Token): boolean {
  return token.kind === "punctuation" && token.text === ";"
}

const NONE: ReadonlySet<string> = new Set()

interface Around {
  readonly name: string | null
  readonly cte: string | null
  readonly depth: number
  /** Common table expressions that can be seen. */
  readonly ctes: ReadonlySet<string>
}

/** Words of procedural SQL, and of `explain`, that a statement may follow. */
const LEADS = new Set(
  "begin then else loop in query as explain analyze verbose prepare perform declare do atomic".split(
    " ",
  ),
)

/** One statement, or none. One in parentheses may be several that are joined. */
function statementsIn(span: Span, around: Around): SqlStatement[] {
  if (around.depth > MAX_NESTING) return []
  const first = span.inside(span.from)
  if (first && startsStatement(first)) {
    return nestedIn(span, around, new Map())
  }
  const from = verbAt(span)
  const statement = from < 0 ? null : statementOf(span.sub(from, span.to), around)
  return statement ? [statement] : bodiesIn(span, around.depth)
}

const VERB =
  /^(?:select|with|insert|replace|update|delete|merge|truncate|create|alter|drop|listen|notify|lock|begin|start|commit|rollback|set|call|perform)$/

function verbAt(span: Span): number {
  for (const i of span.outside()) {
    const token = span.at(i)!
    const before = span.at(i - 1)
    const isLed =
      before === undefined ||
      before.kind === "parameter" ||
      (before.kind === "word" && LEADS.has(before.text))
    if (!isLed || token.kind !== "word" || !VERB.test(token.text)) continue
    const next = span.at(i + 1)
    const isTransaction =
      next === undefined || /^(?:transaction|work|isolation|immediate|exclusive)$/.test(next.text)
    if (token.text !== "begin" || isTransaction) return i
  }
  return -1
}

function statementOf(span: Span, around: Around): SqlStatement | null {
  const list = withOf(span)
  const ctes = list ? new Set([...around.ctes, ...list.bodies.values()]) : around.ctes
  const main = list ? span.sub(list.next, span.to) : span
  const within = { ...around, cte: null, name: null, ctes, depth: around.depth + 1 }
  const nested = nestedIn(span, within, list?.bodies ?? new Map())
  const defined = definedBy(main)
  if (!defined) return null
  const { verb, parts } = defined
  const isCreated = verb === "create function"
  return {
    verb,
    name: around.name,
    cte: around.cte,
    ...parts,
    reads: parts.reads.filter((table) => !ctes.has(table.name)),
    calls: verb.includes(" ") || verb === "alter" ? [] : callsOf(main, parts),
    nested: isCreated ? [...nested, ...bodiesIn(span, around.depth)] : nested,
    start: span.start,
    end: span.end,
  }
}

/** A table before a list of columns is no function. */
function callsOf(span: Span, { writes }: Parts): SqlCall[] {
  return callsIn(span).filter(
    ({ start, name }) =>
      !writes.some((table) => (start >= table.start && start < table.end) || name === table.alias),
  )
}

interface WithList {
  /** The names of the bodies by the index of their parentheses. */
  readonly bodies: ReadonlyMap<number, string>
  readonly next: number
}

/** `with a as (…), b (x) as materialized (…)`. */
function withOf(span: Span): WithList | null {
  if (!span.has(span.from, "with")) return null
  const bodies = new Map<number, string>()
  let at = span.from + (span.has(span.from + 1, "recursive") ? 2 : 1)
  while (isName(span.at(at))) {
    const name = span.at(at)!.text
    at++
    if (span.has(at, "(")) at = span.after(at)
    if (!span.has(at, "as")) break
    at++
    while (span.has(at, "not") || span.has(at, "materialized")) at++
    if (!span.has(at, "(")) break
    bodies.set(at, name)
    at = span.after(at)
    if (!span.has(at, ",")) break
    at++
  }
  return { bodies, next: at }
}

/** Statements in the parentheses of another one. */
function nestedIn(span: Span, around: Around, bodies: ReadonlyMap<number, string>): SqlStatement[] {
  const found: SqlStatement[] = []
  for (let i = span.from; i < span.to; i++) {
    const inside = span.inside(i)
    if (!inside || !startsStatement(inside)) continue
    found.push(
      ...statementsIn(inside, { ...around, cte: bodies.get(i) ?? null, depth: around.depth + 1 }),
    )
    i = span.after(i) - 1
  }
  return found
}

/** Statements of the bodies of functions, which are strings in dollar quotes. */
function bodiesIn(span: Span, depth: number): SqlStatement[] {
  const found: SqlStatement[] = []
  for (let i = span.from; i < span.to; i++) {
    const { kind, text, start, end } = span.at(i)!
    const quote = (end - start - text.length) / 2
    if (kind !== "string" || quote < 2 || depth >= MAX_NESTING) continue
    found.push(...readTokens(tokensOf(text, start + quote), depth + 1))
  }
  return found
}

function definedBy(span: Span): Defined | null {
  const verb = span.at(span.from)?.text
  switch (verb) {
    case "select":
    case "perform":
      return asVerb("select", selectParts(span))
    case "insert":
    case "replace":
      return asVerb("insert", insertParts(span))
    case "update":
      return asVerb("update", updateParts(span))
    case "delete":
      return asVerb("delete", deleteParts(span))
    case "merge":
      return asVerb("merge", mergeParts(span))
    case "create":
      return createOf(span)
    case "alter":
      return alterOf(span)
    case "truncate":
    case "drop":
    case "listen":
    case "notify":
    case "lock":
      return shortOf(span, verb)
    default:
      return asVerb(...plainOf(span))
  }
}

function asVerb(verb: SqlVerb, parts: Parts | null): Defined | null {
  return parts && { verb, parts }
}

/** Statements of which only the verb matters; prose that begins like one has other words after it. */
function plainOf(span: Span): [SqlVerb, Parts | null] {
  const next = span.at(span.from + 1)?.text
  const parts = partsWith({})
  switch (span.at(span.from)?.text) {
    case "begin":
      return ["begin", parts]
    case "start":
      return ["begin", next === "transaction" ? parts : null]
    case "commit":
      return ["commit", next === undefined || /^(?:work|transaction)$/.test(next) ? parts : null]
    case "rollback":
      return [
        "rollback",
        next === undefined || /^(?:work|transaction|to)$/.test(next) ? parts : null,
      ]
    case "set": {
      const isSet =
        span.has(span.from + 2, "=") || /^(?:local|session|transaction)$/.test(next ?? "")
      return ["set", isSet ? parts : null]
    }
    case "call":
      return ["call", isCallOf(span) ? parts : null]
    default:
      return ["select", null]
  }
}

function isCallOf(span: Span): boolean {
  for (const i of span.outside()) if (span.has(i, "(")) return true
  return false
}
