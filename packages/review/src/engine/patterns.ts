/**
 * The first sieve: which expressions a text matches. The answers are kept with a file's tree, for thirty expressions
 * over a whole repository cost more than all rules together.
 */
import { literalsOf } from "./literals.ts"
import { WordFinder } from "./wordFinder.ts"

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

/** The numbers that expressions have in a list. */
export class PatternNumbers {
  readonly #byKey: ReadonlyMap<string, number>
  /** A rule asks with one expression for every file: its key, which is long, is made once. */
  readonly #known = new Map<PatternSource, number>()

  constructor(patterns: readonly PatternSource[]) {
    this.#byKey = new Map(patterns.map((pattern, i) => [patternKey(pattern), i]))
  }

  /** -1 for an expression that is not in the list. */
  of(pattern: PatternSource): number {
    let number = this.#known.get(pattern)
    if (number === undefined)
      this.#known.set(pattern, (number = this.#byKey.get(patternKey(pattern)) ?? -1))
    return number
  }
}

/** Several expressions, compiled once, and only asked of texts that have a word of theirs. */
export class Sieve {
  readonly patterns: readonly PatternSource[]
  readonly #expressions: readonly RegExp[]
  #words: Words | null = null

  constructor(patterns: readonly PatternSource[]) {
    this.patterns = patterns
    this.#expressions = patterns.map(({ source, flags }) => new RegExp(source, flags))
  }

  /** The numbers of the expressions that a text matches, from the given one on. */
  matches(text: string, from = 0): number[] {
    // A run that knows all its texts asks nothing.
    const { always, finder } = (this.#words ??= wordsOf(this.patterns))
    const told = finder.find(text)
    const found: number[] = []
    for (let i = from; i < this.#expressions.length; i++) {
      if ((told[i] === 1 || always[i]) && this.#expressions[i]!.test(text)) found.push(i)
    }
    return found
  }
}

interface Words {
  /** Whether an expression has to be asked of every text. */
  readonly always: readonly boolean[]
  readonly finder: WordFinder
}

function wordsOf(patterns: readonly PatternSource[]): Words {
  const literals = patterns.map(literalsOf)
  return {
    always: literals.map((words) => words === null),
    finder: new WordFinder(literals.map((words) => words ?? [])),
  }
}
