/** Escapes in string literals, as far as languages share them. */

/** What a language's escapes are besides `\xHH`, `\uHHHH`, `\UHHHHHHHH` and octal ones. */
export type Escapes = Readonly<Record<string, string>>

/** Those of C, which Go and Python took over. */
export const C_ESCAPES: Escapes = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
}

const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|(\r\n|[^]))/g

/** The text that an escaped one stands for. What is no escape of the language stays as it is written. */
export function unescape(text: string, escapes: Escapes): string {
  if (!text.includes("\\")) return text
  return text.replace(
    ESCAPE,
    (all, byte?: string, short?: string, long?: string, octal?: string, one?: string) => {
      const hex = byte ?? short ?? long
      if (hex !== undefined) return character(Number.parseInt(hex, 16))
      if (octal !== undefined) return character(Number.parseInt(octal, 8))
      return Object.hasOwn(escapes, one!) ? escapes[one!]! : all
    },
  )
}

function character(code: number): string {
  return code <= 0x10_ffff ? String.fromCodePoint(code) : "\ufffd"
}
