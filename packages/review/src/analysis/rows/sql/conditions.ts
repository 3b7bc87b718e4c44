/** What a `where` demands of columns. */
import type { SqlCondition } from "./statement.ts"
import { isName, MAX_NESTING, type Span } from "./span.ts"
import { startsStatement, valueOf } from "./values.ts"

const FLIPPED: Readonly<Record<string, string>> = { "<": ">", ">": "<", "<=": ">=", ">=": "<=" }
const SYMBOLS = new Set(["=", "<>", "!=", "<", ">", "<=", ">=", "@>", "&&", "~"])
const WORDS = new Set(["in", "like", "ilike", "between", "is", "similar"])

/** Comparisons of columns in a condition, in order, those under OR and NOT marked. */
export function conditionsOf(span: Span, isOptional = false, depth = 0): SqlCondition[] {
  const whole = span.unwrapped()
  if (whole.isEmpty || depth > MAX_NESTING || startsStatement(whole)) return []
  const alternatives = split(whole, "or")
  if (alternatives.length > 1) {
    return alternatives.flatMap((part) => conditionsOf(part, true, depth + 1))
  }
  const parts = split(whole, "and")
  if (parts.length > 1) return parts.flatMap((part) => conditionsOf(part, isOptional, depth + 1))
  if (whole.has(whole.from, "not")) {
    return conditionsOf(whole.sub(whole.from + 1, whole.to), true, depth + 1)
  }
  const one = comparison(whole, isOptional)
  return one ? [one] : []
}

/** Parts between a word outside parentheses; the AND of BETWEEN joins. */
function split(span: Span, word: "and" | "or"): Span[] {
  const parts: Span[] = []
  let from = span.from
  let isBetween = false
  let cases = 0
  for (const i of span.outside()) {
    if (span.has(i, "between")) isBetween = true
    else if (span.has(i, "case")) cases++
    else if (span.has(i, "end")) cases = Math.max(0, cases - 1)
    else if (span.has(i, word) && cases === 0) {
      if (word === "and" && isBetween) isBetween = false
      else {
        parts.push(span.sub(from, i))
        from = i + 1
      }
    }
  }
  parts.push(span.sub(from, span.to))
  return parts
}

interface Operator {
  /** As seen from what stands left of it. */
  readonly op: string
  readonly from: number
  readonly to: number
}

function comparison(span: Span, isOptional: boolean): SqlCondition | null {
  const operator = operatorOf(span)
  if (!operator) return flag(span, isOptional)
  const left = span.sub(span.from, operator.from)
  const right = span.sub(operator.to, span.to)
  const own = columnOf(left)
  const at = { start: span.start, end: span.end }
  if (own) return { ...own, op: operator.op, value: rightOf(operator, right), isOptional, ...at }
  const other = columnOf(right)
  if (!other) return held(left, operator, right, isOptional, at)
  return {
    ...other,
    op: FLIPPED[operator.op] ?? operator.op,
    value: valueOf(left),
    isOptional,
    ...at,
  }
}

/** `is null` has its value in the operator. */
function rightOf(operator: Operator, right: Span): SqlCondition["value"] {
  const value = valueOf(right)
  return operator.op.endsWith("null") ? { ...value, kind: "null" } : value
}

/** `coalesce(x, 0) < $1`, `run_at + delay < now()`: a condition of the first column that it is made of. */
function held(
  left: Span,
  operator: Operator,
  right: Span,
  isOptional: boolean,
  at: { start: number; end: number },
): SqlCondition | null {
  const column = valueOf(left).columns[0]
  if (column !== undefined) {
    return { column, table: null, op: operator.op, value: valueOf(right), isOptional, ...at }
  }
  const other = valueOf(right).columns[0]
  const op = FLIPPED[operator.op] ?? operator.op
  return other === undefined
    ? null
    : { column: other, table: null, op, value: valueOf(left), isOptional, ...at }
}

/** A column alone is a condition, as in `where active and not deleted`. */
function flag(span: Span, isOptional: boolean): SqlCondition | null {
  const own = columnOf(span)
  const at = { start: span.start, end: span.end }
  const value = { kind: "literal" as const, functions: [], columns: [], ...at }
  return own && { ...own, op: "=", value, isOptional, ...at }
}

function operatorOf(span: Span): Operator | null {
  for (const i of span.outside()) {
    const token = span.at(i)!
    if (token.kind === "punctuation" && SYMBOLS.has(token.text)) {
      return { op: token.text === "!=" ? "<>" : token.text, from: i, to: i + 1 }
    }
    if (token.kind !== "word") continue
    const isNegated = token.text === "not"
    const word = isNegated ? span.at(i + 1)?.text : token.text
    if (word === undefined || !WORDS.has(word)) continue
    if (word === "is") return isOperator(span, i)
    return { op: isNegated ? `not ${word}` : word, from: i, to: i + (isNegated ? 2 : 1) }
  }
  return null
}

function isOperator(span: Span, i: number): Operator {
  const isNegated = span.has(i + 1, "not")
  const next = isNegated ? i + 2 : i + 1
  const not = isNegated ? "not " : ""
  if (span.has(next, "null")) return { op: `is ${not}null`, from: i, to: next }
  if (span.has(next, "distinct", "from")) {
    return { op: isNegated ? "=" : "<>", from: i, to: next + 2 }
  }
  return { op: isNegated ? "<>" : "=", from: i, to: next }
}

/** A column, with or without its table, whatever it is cast to. */
function columnOf(whole: Span): { column: string; table: string | null } | null {
  const span = whole.unwrapped()
  let last = span.from
  while (isName(span.at(last)) && span.has(last + 1, ".")) last += 2
  const token = span.at(last)
  if (!isName(token) || /^(?:true|false|null|now|current_timestamp|exists)$/.test(token.text))
    return null
  const next = last + 1
  if (next < span.to && !span.has(next, "::")) return null
  return { column: token.text, table: last > span.from ? (span.at(last - 2)?.text ?? null) : null }
}
