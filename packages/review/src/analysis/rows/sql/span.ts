/** A run of tokens, and walks over it that step over parentheses. */
import type { Token } from "./tokens.ts"

/** Deeper parentheses are not read: no statement that a person wrote has them. */
export const MAX_NESTING = 40

/** Tokens from one index to another, the end not included. */
export class Span {
  readonly tokens: readonly Token[]
  readonly from: number
  readonly to: number

  constructor(tokens: readonly Token[], from: number, to: number) {
    this.tokens = tokens
    this.from = from
    this.to = Math.max(from, Math.min(to, tokens.length))
  }

  get isEmpty(): boolean {
    return this.to <= this.from
  }

  get start(): number {
    return this.tokens[this.from]?.start ?? this.tokens.at(-1)?.end ?? 0
  }

  get end(): number {
    return this.isEmpty ? this.start : this.tokens[this.to - 1]!.end
  }

  /** The token at an index within the span, counted from the start of all tokens. */
  at(index: number): Token | undefined {
    return index >= this.from && index < this.to ? this.tokens[index] : undefined
  }

  sub(from: number, to: number): Span {
    return new Span(this.tokens, Math.max(from, this.from), Math.min(to, this.to))
  }

  /** The index after a token, or after its parentheses. */
  after(index: number): number {
    const token = this.tokens[index]
    return token?.text === "(" && token.kind === "punctuation"
      ? Math.min(token.close + 1, this.to)
      : index + 1
  }

  /** Whether words stand at an index, one after another. */
  has(index: number, ...words: readonly string[]): boolean {
    return words.every((word, i) => {
      const token = this.at(index + i)
      return token !== undefined && token.text === word && isPlain(token)
    })
  }

  /** What is inside the parentheses at an index; null where there are none. */
  inside(index: number): Span | null {
    if (!this.has(index, "(")) return null
    return this.sub(index + 1, this.tokens[index]!.close)
  }

  /** Indexes outside parentheses; an index of "(" is one of them. */
  *outside(): Generator<number> {
    for (let i = this.from; i < this.to; i = this.after(i)) yield i
  }

  /** The parts between commas. */
  parts(): Span[] {
    const found: Span[] = []
    let from = this.from
    for (const i of this.outside()) {
      if (!this.has(i, ",")) continue
      found.push(this.sub(from, i))
      from = i + 1
    }
    found.push(this.sub(from, this.to))
    return found.filter((part) => !part.isEmpty)
  }

  /** Without parentheses around all of it. */
  unwrapped(): Span {
    let { from, to } = this
    while (to - from > 2 && this.has(from, "(") && this.tokens[from]!.close === to - 1) {
      from++
      to--
    }
    return from === this.from ? this : this.sub(from, to)
  }
}

/** A word or a mark, not a quoted name or a string with the same text. */
export function isPlain(token: Token): boolean {
  return token.kind === "word" || token.kind === "punctuation"
}

/** A name: quoted or not. A hole may stand for one. */
export function isName(token: Token | undefined): token is Token {
  return token !== undefined && (token.kind === "word" || token.kind === "quoted")
}
