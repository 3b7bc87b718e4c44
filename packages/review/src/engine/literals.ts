/**
 * What an expression cannot match without. Most texts lack what most expressions look for, and an expression that finds
 * nothing has read the whole text: forty of them cost more than parsing. All their literals are found in one pass (see
 * wordFinder.ts), and only expressions of which one was found are asked.
 */
import type { PatternSource } from "./patterns.ts"

/** More ways to spell one run of letters are not told apart. */
const MAX_SPELLINGS = 16

/**
 * Literals in lower case of which every match holds at least one, whatever its case; null where that cannot be told,
 * for instance of an expression that matches the empty text.
 */
export function literalsOf({ source, flags }: PatternSource): readonly string[] | null {
  // In these modes letters outside of ASCII equal some of it; groups with modes of their own are not read here.
  if (/[uv]/.test(flags) || /\(\?[^:=!<]/.test(source)) return null
  const { exact, needed } = new Reader(source).read()
  const literals = exact ?? needed
  return literals === null || literals.some((one) => one.length < 2) ? null : literals
}

/** What a part of an expression matches. */
interface Part {
  /** All that it matches, in lower case; null where that is too much. */
  readonly exact: readonly string[] | null
  /** Where `exact` is null: texts of which every match holds one. */
  readonly needed: readonly string[] | null
}

const ANYTHING: Part = { exact: null, needed: null }
const NOTHING: Part = { exact: [""], needed: null }

class Reader {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  read(): Part {
    return this.#alternatives()
  }

  #alternatives(): Part {
    const parts = [this.#sequence()]
    while (this.#take("|")) parts.push(this.#sequence())
    return eitherOf(parts)
  }

  #sequence(): Part {
    const run = new Run()
    while (this.#at < this.#source.length && !"|)".includes(this.#next)) run.add(this.#repeated())
    return run.part()
  }

  #repeated(): Part {
    const part = this.#single()
    const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/.exec(this.#source.slice(this.#at))?.[0]
    if (quantifier === undefined) return part
    this.#at += quantifier.length
    if (quantifier === "?") return eitherOf([part, NOTHING])
    if (/^(?:[*?]|\{0)/.test(quantifier)) return ANYTHING
    return { exact: null, needed: part.exact ?? part.needed }
  }

  #single(): Part {
    if (this.#take("(")) return this.#group()
    if (this.#take("[")) return this.#set()
    if (this.#take("^") || this.#take("$")) return NOTHING
    if (this.#take(".")) return ANYTHING
    if (this.#take("\\")) return this.#escaped()
    return letter(this.#advance())
  }

  #group(): Part {
    const look = /^\?(?:<?[=!]|:|<[^>]*>)/.exec(this.#source.slice(this.#at))?.[0]
    this.#at += look?.length ?? 0
    const inner = this.#alternatives()
    this.#take(")")
    return look !== undefined && /[=!]$/.test(look) ? NOTHING : inner
  }

  /** Of a few letters, as `[kK]`, each is tried; anything larger is anything. */
  #set(): Part {
    const end = /^(?:\\.|[^\]\\])*\]/s.exec(this.#source.slice(this.#at))?.[0] ?? ""
    this.#at += end.length
    const letters = end.slice(0, -1)
    return /^[A-Za-z0-9_ ]{1,6}$/.test(letters) ? eitherOf([...letters].map(letter)) : ANYTHING
  }

  #escaped(): Part {
    const one = this.#advance()
    if (/[bB]/.test(one)) return NOTHING
    // Whatever else an escaped letter or digit means, it is not that letter.
    return /[A-Za-z0-9]/.test(one) ? this.#named(one) : letter(one)
  }

  /** Passes over the digits of `\x41` and its like, which are no letters of the text. */
  #named(one: string): Part {
    const rest = /^(?:\{[^}]*\}|<[^>]*>|[0-9A-Fa-f]{1,4})/.exec(this.#source.slice(this.#at))?.[0]
    if (/[xukpPc0-9]/.test(one)) this.#at += rest?.length ?? 0
    return ANYTHING
  }

  get #next(): string {
    return this.#source[this.#at] ?? ""
  }

  #advance(): string {
    return this.#source[this.#at++] ?? ""
  }

  #take(one: string): boolean {
    if (this.#next !== one) return false
    this.#at++
    return true
  }
}

function letter(one: string): Part {
  // Case is a matter of ASCII here: what has another case elsewhere is not relied on.
  return one.charCodeAt(0) < 128 ? { exact: [one.toLowerCase()], needed: null } : ANYTHING
}

function eitherOf(parts: readonly Part[]): Part {
  const exact = parts.every((one) => one.exact !== null)
    ? [...new Set(parts.flatMap((one) => one.exact!))]
    : null
  if (exact !== null && exact.every((one) => one !== "")) return { exact, needed: exact }
  if (exact !== null && exact.length <= MAX_SPELLINGS) return { exact, needed: null }
  const each = parts.map((one) => one.exact ?? one.needed)
  const isTold = each.every((one) => one !== null && one.every((text) => text !== ""))
  return { exact: null, needed: isTold ? [...new Set(each.flatMap((one) => one!))] : null }
}

/** Parts one behind the other: the longest stretch of which every spelling is known is what is looked for. */
class Run {
  #spellings: readonly string[] = [""]
  #best: readonly string[] | null = null
  #isWhole = true

  add(part: Part): void {
    const joined = part.exact && this.#spellings.flatMap((one) => part.exact!.map((x) => one + x))
    if (joined !== null && (joined.length <= MAX_SPELLINGS || this.#isFirst)) {
      this.#spellings = joined
      return
    }
    this.#isWhole = false
    this.#end()
    const rest = part.exact ?? part.needed
    if (part.exact !== null && part.exact.length <= MAX_SPELLINGS) this.#spellings = part.exact
    else if (rest !== null) this.#offer(rest)
  }

  part(): Part {
    if (this.#isWhole) return { exact: this.#spellings, needed: null }
    this.#end()
    return { exact: null, needed: this.#best }
  }

  get #isFirst(): boolean {
    return this.#spellings.length === 1 && this.#spellings[0] === ""
  }

  #end(): void {
    this.#offer(this.#spellings)
    this.#spellings = [""]
  }

  #offer(texts: readonly string[]): void {
    if (this.#best === null || shortest(texts) > shortest(this.#best)) this.#best = texts
  }
}

function shortest(texts: readonly string[]): number {
  return Math.min(...texts.map((one) => one.length))
}
