/**
 * Text of a repository, made safe to show. A file can hold escape sequences that paint a terminal, marks that turn
 * the order of reading around, and words that a build server takes for commands; whoever reads a report must see them
 * instead of being subject to them.
 */

/** Control characters, format characters (bidi marks, zero widths, tags), line separators, halves of surrogates, fillers. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u3164\uffa0\ufffe\uffff]/gu

/** Build servers look for these anywhere in a line of a log. */
const COMMAND = /##(?=\[|vso\[|teamcity\[)/g

/** One line of text in which nothing acts: a tab becomes a space, everything else unseen its escape. */
export function visible(text: string): string {
  return text
    .replaceAll("\t", " ")
    .replace(UNSEEN, escapeOf)
    .replace(COMMAND, "#\\x23")
    .replace(/^(\s*):(?=:)/, "$1\\x3a")
}

/** Several lines of text in which nothing acts and nothing is left out. */
export function visibleLines(text: string): string {
  return text.split(/\r?\n/).map(visible).join("\n")
}

/** JSON that is safe to print: what `visible` would show is written as `\u` escapes, which every parser undoes. */
export function safeJson(value: unknown, indent?: number): string {
  // Inside of strings a line feed is already written as an escape, so one that is left is the layout.
  return JSON.stringify(value, null, indent).replace(UNSEEN, (char) =>
    char === "\n" ? char : [...units(char)].map((unit) => `\\u${hex(unit, 4)}`).join(""),
  )
}

function escapeOf(char: string): string {
  const point = char.codePointAt(0) ?? 0
  if (char === "\n") return "\\n"
  if (char === "\r") return "\\r"
  return point < 0x100 ? `\\x${hex(point, 2)}` : `\\u{${point.toString(16)}}`
}

function* units(char: string): Generator<number> {
  for (let i = 0; i < char.length; i++) yield char.charCodeAt(i)
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0")
}
