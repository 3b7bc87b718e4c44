/** Literals as Java and Kotlin both write them. */

/** The value of a numeric literal; what a double does not hold exactly is rounded. */
export function numberOf(written: string): number {
  const digits = written.replaceAll("_", "").toLowerCase()
  const hexFloat = /^0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)[fd]?$/.exec(digits)
  if (hexFloat) {
    const [, whole = "", part = "", power = "0"] = hexFloat
    return Number(`0x${whole}${part}`) * 2 ** (Number(power) - 4 * part.length)
  }
  if (/^0[xb]/.test(digits)) return Number(digits.replace(/u?l?$/, ""))
  if (/^0[0-7]+l?$/.test(digits)) return Number.parseInt(digits, 8)
  return Number(digits.replace(/(?:[fd]|u?l?)$/, ""))
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  s: " ",
}

/** Resolves escapes; a backslash before the end of a line joins the lines (Java's text blocks). */
export function unescape(written: string): string {
  if (!written.includes("\\")) return written
  return written.replace(/\\(u+[0-9a-fA-F]{4}|[0-3]?[0-7]{1,2}|\r?\n|[^])/g, (_, code: string) => {
    if (/^u+[0-9a-fA-F]{4}$/.test(code)) return String.fromCharCode(parseInt(code.slice(-4), 16))
    if (/^[0-7]/.test(code)) return String.fromCharCode(parseInt(code, 8))
    if (/^\r?\n$/.test(code)) return ""
    return Object.hasOwn(ESCAPES, code) ? ESCAPES[code]! : code
  })
}
