/**
 * What a model may answer, and the checks that an answer has to pass. The answer is foreign text: it can only be one
 * of three words, with reasons, and with quotes that stand letter by letter in the code that was sent.
 */

export const VERDICTS = ["confirm", "refute", "unsure"] as const
export type Verdict = (typeof VERDICTS)[number]

export interface Answer {
  readonly verdict: Verdict
  readonly reasons: readonly string[]
  readonly quotes: readonly string[]
}

const MAX_ITEMS = 6
const MAX_REASON = 600
const MAX_QUOTE = 2_000
/** Shorter ones stand in any code. */
const MIN_QUOTE = 6
/** Places at which an object may begin that are tried. */
const MAX_TRIES = 8

export type Reading =
  | { readonly ok: true; readonly answer: Answer }
  /** `form`: asking again can help. `quote`: the model made something up and is not asked again. */
  | { readonly ok: false; readonly kind: "form" | "quote"; readonly problem: string }

/** Reads an answer and verifies its quotes against the code that was sent. */
export function readAnswer(text: string, code: readonly string[]): Reading {
  const value = firstObject(text)
  if (value === null) return { ok: false, kind: "form", problem: "has no JSON object" }
  const problem = problemOf(value)
  if (problem !== null) return { ok: false, kind: "form", problem }
  const answer = value as unknown as Answer
  if (answer.verdict !== "unsure" && answer.quotes.length === 0) {
    return { ok: false, kind: "form", problem: `says "${answer.verdict}" without a quote` }
  }
  for (const quote of answer.quotes) {
    const wanted = quote.trim()
    if (wanted.length < MIN_QUOTE || !code.some((slice) => slice.includes(wanted))) {
      return { ok: false, kind: "quote", problem: "quotes what is not in the code" }
    }
  }
  return { ok: true, answer }
}

function problemOf(value: Record<string, unknown>): string | null {
  const extra = Object.keys(value).find((key) => !["verdict", "reasons", "quotes"].includes(key))
  if (extra !== undefined) return "has keys beside verdict, reasons and quotes"
  if (!VERDICTS.some((verdict) => verdict === value["verdict"])) {
    return `"verdict" is not one of ${VERDICTS.join(", ")}`
  }
  if (!isTexts(value["reasons"], MAX_REASON))
    return `"reasons" is not a list of up to ${MAX_ITEMS} short texts`
  if (!isTexts(value["quotes"], MAX_QUOTE))
    return `"quotes" is not a list of up to ${MAX_ITEMS} short texts`
  return null
}

function isTexts(value: unknown, max: number): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MAX_ITEMS &&
    value.every((item) => typeof item === "string" && item.length <= max)
  )
}

/** The first JSON object in a text: some models write around it, whatever they were told. */
function firstObject(text: string): Record<string, unknown> | null {
  let start = text.indexOf("{")
  for (let tries = 0; start >= 0 && tries < MAX_TRIES; tries++) {
    const end = closingBrace(text, start)
    if (end !== null) {
      try {
        return JSON.parse(text.slice(start, end + 1)) as Record<string, unknown>
      } catch {
        // Braces of prose; the next one may be it.
      }
    }
    start = text.indexOf("{", start + 1)
  }
  return null
}

function closingBrace(text: string, start: number): number | null {
  let depth = 0
  let inString = false
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (inString) {
      if (char === "\\") at++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === "{") depth++
    else if (char === "}" && --depth === 0) return at
  }
  return null
}
