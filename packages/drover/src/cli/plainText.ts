/**
 * Text from jobs (kinds, tags, inputs, errors, log lines) is written by anybody. A terminal obeys escape
 * sequences in it: they can recolour, hide and retitle, and in some terminals do worse. So every text
 * that did not come from this program passes through here on its way to a person.
 */

// Control characters (C0, DEL, C1), line and paragraph separators, and the marks that turn reading direction around.
const UNSAFE = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}/gu

/** One line of text that a terminal shows and does not obey; what was unsafe is written as an escape. */
export function plainText(text: string): string {
  return text.replaceAll(UNSAFE, escape)
}

/** Like `plainText`, but keeps line breaks and tabs: for text that is meant to have several lines. */
export function plainLines(text: string): string {
  return text.replaceAll(UNSAFE, (char) => (char === "\n" || char === "\t" ? char : escape(char)))
}

/** One line of JSON with the same value and nothing in it that a terminal would obey. */
export function plainJson(value: unknown): string {
  // JSON escapes C0 by itself, but neither C1 nor the marks of reading direction.
  return (JSON.stringify(value) ?? "null").replaceAll(UNSAFE, escape)
}

/** Cuts a plain text to a width in characters, with an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  const chars = [...text]
  return chars.length <= width ? text : `${chars.slice(0, Math.max(0, width - 1)).join("")}…`
}

function escape(char: string): string {
  if (char === "\n") return String.raw`\n`
  if (char === "\t") return String.raw`\t`
  if (char === "\r") return String.raw`\r`
  return String.raw`\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`
}
