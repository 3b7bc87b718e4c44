/**
 * The first sieve: which expressions a text matches. The answers are kept with a file's tree, for thirty expressions
 * over a whole repository cost more than all rules together.
 */

/** An expression as plain data, for threads and the cache. */
export interface PatternSource {
  readonly source: string
  readonly flags: string
}

/**
 * Words of code that waits, locks, draws, sends, stores or schedules. A file without any of them is not parsed unless a
 * rule asks for it: it can neither hold a mistake nor clear one.
 */
export const EVIDENCE_WORDS: PatternSource = {
  source:
    "rand|jitter|uuid|nanoid|lock|mutex|semaphor|atomic|synchron|sleep|delay|wait|timer|timeout|interval|backoff|retry|retries|attempt|deadline|context|cancel|abort|signal|select|insert|update|delete|transact|commit|rollback|query|execut|publish|produce|consum|subscri|emit|enqueue|queue|kafka|rabbit|amqp|redis|http|fetch|request|client|cron|schedul|ticker|alarm|lease|leader|elect|term|token|fenc|version|idempot|dedup|seen|process|saga|compensat|cache|promise|async|await|thread|go func|goroutine|chan |channel|limit|count",
  flags: "i",
}

/** Without what would make two questions of one expression hang on each other. */
export function patternOf(expression: RegExp): PatternSource {
  return { source: expression.source, flags: expression.flags.replace(/[gy]/g, "") }
}

export function patternKey({ source, flags }: PatternSource): string {
  return `/${source}/${flags}`
}

/** Several expressions, compiled once. */
export class Sieve {
  readonly patterns: readonly PatternSource[]
  readonly #expressions: readonly RegExp[]

  constructor(patterns: readonly PatternSource[]) {
    this.patterns = patterns
    this.#expressions = patterns.map(({ source, flags }) => new RegExp(source, flags))
  }

  /** The numbers of the expressions that a text matches, from the given one on. */
  matches(text: string, from = 0): number[] {
    const found: number[] = []
    for (let i = from; i < this.#expressions.length; i++) {
      if (this.#expressions[i]!.test(text)) found.push(i)
    }
    return found
  }
}
