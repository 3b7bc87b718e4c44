import type { Source } from "../analysis/program/program.ts"
import { WordFinder } from "./wordFinder.ts"

/**
 * Which texts have a word in them. The two trees of a comparison share nearly all of their texts: each is asked once for
 * both, and once for all words that are known to be asked for.
 */
export class Mentions {
  readonly #sources: readonly Source[]
  readonly #known = new Map<string, ReadonlySet<Source>>()
  #expected: readonly string[] = []

  constructor(...trees: readonly (readonly Source[])[]) {
    this.#sources = [...new Set(trees.flat())]
  }

  /** Takes words that will probably be asked for, to look for all of them when the first one is. */
  expect(words: Iterable<string>): void {
    const wanted = new Set([...this.#expected, ...words])
    this.#expected = [...wanted].filter((word) => isPlain(word) && !this.#known.has(word))
  }

  /** Those of some of the sources that have a word. */
  among(sources: readonly Source[], word: string): readonly Source[] {
    if (this.#expected.includes(word)) this.#findExpected()
    let known = this.#known.get(word)
    if (!known) {
      known = new Set(this.#sources.filter(({ text }) => text.includes(word)))
      this.#known.set(word, known)
    }
    const having = known
    return sources.filter((source) => having.has(source))
  }

  #findExpected(): void {
    const words = this.#expected
    this.#expected = []
    const having = words.map(() => new Set<Source>())
    const finder = new WordFinder(words.map((word) => [word.toLowerCase()]))
    for (const source of this.#sources) {
      const { text } = source
      // The finder does not heed case, so that what it tells is asked again.
      for (const [at, told] of finder.find(text).entries())
        if (told === 1 && text.includes(words[at]!)) having[at]!.add(source)
    }
    for (const [at, word] of words.entries()) this.#known.set(word, having[at]!)
  }
}

/** A word that the finder can look for. */
function isPlain(word: string): boolean {
  return /^\p{ASCII}+$/v.test(word)
}
