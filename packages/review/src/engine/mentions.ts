import type { Source } from "../analysis/program.ts"

/**
 * Which texts have a word in them. The two trees of a comparison share nearly all of their texts: each is asked once for
 * both.
 */
export class Mentions {
  readonly #sources: readonly Source[]
  readonly #known = new Map<string, ReadonlySet<Source>>()

  constructor(...trees: readonly (readonly Source[])[]) {
    this.#sources = [...new Set(trees.flat())]
  }

  /** Those of some of the sources that have a word. */
  among(sources: readonly Source[], word: string): readonly Source[] {
    let known = this.#known.get(word)
    if (!known) {
      known = new Set(this.#sources.filter(({ text }) => text.includes(word)))
      this.#known.set(word, known)
    }
    const having = known
    return sources.filter((source) => having.has(source))
  }
}
