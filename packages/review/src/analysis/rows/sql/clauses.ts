/** Clauses of a statement, found by the words that head them. */
import type { Span } from "./span.ts"

export type ClauseHead =
  | "select"
  | "into"
  | "from"
  | "using"
  | "on"
  | "set"
  | "values"
  | "where"
  | "group"
  | "order"
  | "limit"
  | "lock"
  | "conflict"
  | "duplicate"
  | "returning"
  | "end"

export interface Clause {
  readonly head: ClauseHead
  /** What follows the head, up to the next one. */
  readonly span: Span
  /** Where the head begins. */
  readonly start: number
}

/** Clauses of a span, outside its parentheses, in order. */
export function clausesOf(span: Span): Clause[] {
  const found: Clause[] = []
  let open: { head: ClauseHead; from: number; start: number } | null = null
  for (const i of span.outside()) {
    const head = headAt(span, i)
    if (!head) continue
    if (open && i < open.from) continue
    if (open) found.push({ head: open.head, span: span.sub(open.from, i), start: open.start })
    open = { head: head.head, from: i + head.length, start: span.at(i)!.start }
  }
  if (open) found.push({ head: open.head, span: span.sub(open.from, span.to), start: open.start })
  return found
}

interface Head {
  readonly head: ClauseHead
  /** Words of it. */
  readonly length: number
}

/** Heads of one word that need no second look. */
const SIMPLE: Readonly<Record<string, ClauseHead>> = {
  select: "select",
  into: "into",
  using: "using",
  join: "from",
  set: "set",
  values: "values",
  where: "where",
  having: "group",
  limit: "limit",
  offset: "end",
  returning: "returning",
  union: "end",
  intersect: "end",
  except: "end",
  window: "end",
  straight_join: "from",
}

function headAt(span: Span, i: number): Head | null {
  const token = span.at(i)!
  if (token.kind !== "word") return null
  if (span.has(i - 1, ".") || span.has(i + 1, ".")) return null
  const simple = Object.hasOwn(SIMPLE, token.text) ? SIMPLE[token.text]! : null
  if (simple) return { head: simple, length: 1 }
  const next = span.at(i + 1)?.text ?? ""
  switch (token.text) {
    case "from":
      return span.has(i - 1, "distinct") ? null : { head: "from", length: 1 }
    case "group":
    case "order":
      return next === "by" ? { head: token.text, length: 2 } : null
    case "for":
      return /^(?:update|share|no|key)$/.test(next) ? { head: "lock", length: 1 } : null
    case "lock":
      return span.has(i, "lock", "in", "share", "mode") ? { head: "lock", length: 2 } : null
    case "fetch":
      return /^(?:first|next)$/.test(next) ? { head: "limit", length: 2 } : null
    case "on":
      if (next === "conflict") return { head: "conflict", length: 2 }
      if (next === "duplicate")
        return { head: "duplicate", length: span.has(i + 3, "update") ? 4 : 2 }
      return { head: "on", length: 1 }
    case "when":
      return /^(?:matched|not)$/.test(next) ? { head: "end", length: 1 } : null
    default:
      return null
  }
}
