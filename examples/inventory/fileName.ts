/**
 * Names of files as they are: bytes. Most are UTF-8 and travel as text; a name that is not is carried as
 * base64 beside a readable form, so that nothing is lost and nothing odd reaches a terminal or a CSV.
 */
export interface FileName {
  /** The path below the root with `/` between its parts; bytes that are not UTF-8 are written `\xHH`. */
  readonly path: string
  /** The exact bytes, only where `path` is not the whole truth. */
  readonly base64?: string
}

const decoder = new TextDecoder("utf-8", { fatal: true })

/** Makes a name of the bytes that the file system gave. */
export function nameOf(bytes: Buffer): FileName {
  try {
    return { path: decoder.decode(bytes) }
  } catch {
    return { path: readable(bytes), base64: bytes.toString("base64") }
  }
}

/** The bytes to open the file with. */
export function bytesOf(name: FileName): Buffer {
  return name.base64 === undefined ? Buffer.from(name.path) : Buffer.from(name.base64, "base64")
}

/** A path for the terminal: control characters are shown, not obeyed. */
export function forTerminal(path: string): string {
  return path.replaceAll(
    /[\p{Cc}\p{Cf}]/gu,
    (char) => `\\u${char.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  )
}

function readable(bytes: Buffer): string {
  let text = ""
  let at = 0
  while (at < bytes.length) {
    const length = characterLength(bytes, at)
    text += length === 0 ? hexEscape(bytes[at]!) : bytes.toString("utf8", at, at + length)
    at += Math.max(1, length)
  }
  return text
}

/** How many bytes the UTF-8 character at this place has; 0 when there is none. */
function characterLength(bytes: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= bytes.length; length++) {
    try {
      decoder.decode(bytes.subarray(at, at + length))
      return length
    } catch {
      // Too short or not UTF-8 at all: the loop finds out which.
    }
  }
  return 0
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`
}
