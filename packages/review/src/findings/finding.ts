/** What a rule says, and what leaves the program. Formats, hosts and editors only ever see these. */

/** How sure: `certain` is proven by the syntax, `likely` was looked for and not cleared, `context` needs a reader. */
export type Tier = "certain" | "likely" | "context"

export type Severity = "high" | "medium" | "low" | "info"

/** A place in a file: lines and columns count from 1, columns in UTF-16 code units, the end is exclusive. */
export interface Place {
  readonly path: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
}

/** A fact that the finding stands on, with where it can be read. */
export interface Fact {
  readonly text: string
  readonly place?: Place
}

/** One replacement in the finding's file; offsets are UTF-16 code units of the file's text. */
export interface Edit {
  readonly path: string
  readonly start: number
  readonly end: number
  readonly text: string
}

export interface Fix {
  /** What to do, in a sentence. */
  readonly text: string
  /** Safe edits keep the meaning of correct runs; unsafe ones have to be read. Without edits there is only the text. */
  readonly safety?: "safe" | "unsafe"
  readonly edits?: readonly Edit[]
}

export interface Finding extends Place {
  readonly rule: string
  readonly tier: Tier
  readonly severity: Severity
  /** One sentence: what is wrong here. */
  readonly message: string
  /** Why it is said: the facts, in the order in which they build on each other. */
  readonly because: readonly Fact[]
  /** What would have cleared it and was looked for. */
  readonly checked: readonly string[]
  readonly fix: Fix
  /** The canonical text on the mistake. */
  readonly reference: string
  /** The enclosing function, "" at top level: part of the fingerprint, shown in summaries. */
  readonly symbol: string
  /** Stable over moved lines: rule, path, symbol, the line's normalised text and an ordinal. 16 hex digits. */
  readonly fingerprint: string
  /** Set by adjudication; never by a rule. */
  readonly adjudication?: {
    readonly verdict: "confirm" | "refute" | "unsure"
    readonly reasons: readonly string[]
  }
}

/** Something to know about the run itself: a file passed over, an unused ignore, a stale baseline entry. */
export interface Notice {
  readonly code: string
  readonly message: string
  readonly path?: string
  readonly line?: number
}

export interface Report {
  readonly findings: readonly Finding[]
  /** Found and held back by an ignore comment or the baseline. */
  readonly suppressed: readonly {
    readonly finding: Finding
    readonly by: "comment" | "baseline"
    readonly reason: string
  }[]
  readonly notices: readonly Notice[]
  /** Source files that were read. */
  readonly files: number
  readonly ms: number
}
