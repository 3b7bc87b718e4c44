/** SQL as tokens, of every dialect at once: what one of them reads differently is rare enough in what is looked for. */

export interface Token {
  readonly kind: "word" | "quoted" | "string" | "number" | "parameter" | "punctuation"
  /** Words in lower case, quoted names and strings without their quotes, all else as written. */
  readonly text: string
  readonly start: number
  readonly end: number
  /** Of "(": the index of its ")", or of the end where it has none. */
  readonly close: number
}

export interface Tokens {
  readonly tokens: readonly Token[]
  /** `-- name: Claim :one` and the like: the name, and where the comment ends. */
  readonly names: readonly { readonly name: string; readonly end: number }[]
}

/** Stands in a string where a value is put in. */
const HOLE = "\uFFFC"

/** A dollar quote that does not end is looked for to the end of the text, so only so many are. */
const MAX_OPEN_QUOTES = 16

/** Holes, words with holes in them, parameters of drivers and templates, numbers, operators. In this order. */
const PLAIN =
  /(\uFFFC+(?![\w$\uFFFC]))|([\p{L}_\uFFFC][\p{L}\p{N}_$\uFFFC]*)|(\$\d+|\?\d*|%\(\w*\)s|%s|#\{[^{}]*\}|\$\{[^{}]*\}|\{\{[^{}]*\}\}|\{\w*\}|(?<![:\w]):\w+|(?<![@<>&|!=\w])@\w+)|(\d+(?:\.\d+)?|\.\d+)|(::|:=|<=|>=|<>|!=|\|\||->>?|=>|[^])/uy

/**
 * Reads all of a text; what belongs to nothing is punctuation of one character.
 * @param offset - where the text begins in the one that offsets are to be of
 */
export function tokensOf(text: string, offset = 0): Tokens {
  const reader = new Reader(text, offset)
  while (reader.next());
  return { tokens: reader.closed(), names: reader.names }
}

class Reader {
  readonly names: { name: string; end: number }[] = []
  readonly #text: string
  readonly #offset: number
  readonly #tokens: { -readonly [key in keyof Token]: Token[key] }[] = []
  #at = 0
  #openQuotes = 0

  constructor(text: string, offset: number) {
    this.#text = text
    this.#offset = offset
  }

  /** Reads one token, blank or comment; false at the end. */
  next(): boolean {
    const text = this.#text
    if (this.#at >= text.length) return false
    const one = text.charAt(this.#at)
    const two = text.substr(this.#at, 2)
    if (one <= " " || one === "\u00A0") this.#at++
    else if (two === "--") this.#comment(endOr(text, "\n", this.#at + 2))
    else if (two === "/*") this.#comment(endOr(text, "*/", this.#at + 2))
    else if (one === "'") this.#string(this.#at, false)
    else if (/^[eE]'/.test(two)) this.#string(this.#at + 1, true)
    else if (/^[nNbBxX]'/.test(two)) this.#string(this.#at + 1, false)
    else if (one === '"' || one === "`") this.#quoted(one)
    else if (one === "[" && this.#bracketed()) return true
    else if (one === "$" && this.#dollarQuoted()) return true
    else this.#plain()
    return true
  }

  /** The tokens, each "(" with its ")". A semicolon ends whatever is open. */
  closed(): Token[] {
    const open: number[] = []
    this.#tokens.forEach((token, index) => {
      if (token.kind !== "punctuation") return
      if (token.text === "(") open.push(index)
      else if (token.text === ")") {
        const from = open.pop()
        if (from !== undefined) this.#tokens[from]!.close = index
      } else if (token.text === ";") {
        for (const from of open.splice(0)) this.#tokens[from]!.close = index
      }
    })
    return this.#tokens
  }

  #push(kind: Token["kind"], text: string, end: number): void {
    const start = this.#at + this.#offset
    const close = Number.POSITIVE_INFINITY
    this.#tokens.push({ kind, text, start, end: end + this.#offset, close })
    this.#at = end
  }

  #comment(end: number): void {
    const name = /^(?:--|\/\*)\s*:?name:?\s+([\w-]+)/.exec(this.#text.slice(this.#at, end))?.[1]
    if (name !== undefined) this.names.push({ name, end: end + this.#offset })
    this.#at = end
  }

  #string(quote: number, hasEscapes: boolean): void {
    const text = this.#text
    let end = quote + 1
    for (; end < text.length; end++) {
      if (hasEscapes && text[end] === "\\") end++
      else if (text[end] === "'" && text[end + 1] === "'") end++
      else if (text[end] === "'") break
    }
    const held = text.slice(quote + 1, end).replaceAll("''", "'")
    this.#push("string", held, Math.min(end + 1, text.length))
  }

  #quoted(quote: string): void {
    const end = endOr(this.#text, quote, this.#at + 1)
    const held = this.#text.slice(this.#at + 1, end)
    this.#push("quoted", held.endsWith(quote) ? held.slice(0, -1) : held, end)
  }

  /** `[name]`, which stands where a name does; elsewhere brackets are those of arrays. */
  #bracketed(): boolean {
    const before = this.#tokens.at(-1)
    const isIndex =
      before &&
      before.end === this.#at + this.#offset &&
      (before.kind !== "punctuation" || before.text === ")" || before.text === "]")
    if (isIndex) return false
    const held = /^\[([\p{L}_][\p{L}\p{N}_ $]{0,127})\]/u.exec(
      this.#text.slice(this.#at, this.#at + 130),
    )
    if (!held) return false
    this.#push("quoted", held[1]!, this.#at + held[0].length)
    return true
  }

  #dollarQuoted(): boolean {
    const tag = /^\$(?:[\p{L}_][\p{L}\p{N}_]{0,62})?\$/u.exec(
      this.#text.slice(this.#at, this.#at + 66),
    )?.[0]
    if (tag === undefined || this.#openQuotes >= MAX_OPEN_QUOTES) return false
    const from = this.#at + tag.length
    const end = this.#text.indexOf(tag, from)
    if (end < 0) {
      this.#openQuotes++
      return false
    }
    this.#push("string", this.#text.slice(from, end), end + tag.length)
    return true
  }

  #plain(): void {
    PLAIN.lastIndex = this.#at
    const match = PLAIN.exec(this.#text)
    const [all, hole, word, parameter, number] = match ?? [this.#text.charAt(this.#at)]
    const end = this.#at + Math.max(all.length, 1)
    if (hole !== undefined || parameter !== undefined) this.#push("parameter", all, end)
    else if (word !== undefined) {
      const isHole = [...word].every((char) => char === HOLE)
      this.#push(isHole ? "parameter" : "word", word.toLowerCase(), end)
    } else this.#push(number === undefined ? "punctuation" : "number", all, end)
  }
}

/** The offset after the next occurrence of a mark, or the end of the text. */
function endOr(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at < 0 ? text.length : at + mark.length
}
