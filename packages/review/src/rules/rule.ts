/** What a rule is. One file per rule holds its metadata, its documentation and its check; rules.ts lists them. */
import type { File } from "../analysis/program/file.ts"
import type { Program } from "../analysis/program/program.ts"
import type { Edit, Severity, Tier } from "../findings/finding.ts"
import type { Language } from "../ir/nodes.ts"

/** Anything with a place in the file that is being checked. */
export interface Spot {
  readonly start: number
  readonly end: number
}

export interface DraftFact {
  readonly text: string
  readonly at?: Spot
  /** Where it is another file than the finding's. */
  readonly file?: File
}

export interface Draft {
  readonly at: Spot
  readonly tier: Tier
  readonly severity: Severity
  readonly message: string
  readonly because?: readonly DraftFact[]
  readonly checked?: readonly string[]
  /** Instead of the rule's own. */
  readonly fix?: {
    readonly text: string
    readonly safety?: "safe" | "unsafe"
    readonly edits?: readonly Omit<Edit, "path">[]
  }
}

export interface Example {
  readonly bad: string
  readonly good: string
}

/** How far a rule sees. Each sentence stands for something in its code, and what it names has a fixture or was tried. */
export interface Reach {
  /** The kinds of code that it looks at, with the libraries and calls that it knows. */
  readonly sees: readonly string[]
  /** What it passes over although the mistake may be there. */
  readonly misses: readonly string[]
}

export interface Rule {
  /** The kebab-case name that users see. It never changes. */
  readonly id: string
  /** A short noun phrase. */
  readonly title: string
  readonly languages: readonly Language[]
  /** `code` passes over test files, `tests` sees nothing else. */
  readonly scope: "code" | "tests" | "everything"
  /** Files whose text does not match are not shown to the rule; a linear expression without captures. */
  readonly mentions: RegExp
  readonly docs: {
    readonly what: string
    readonly why: string
    /** When it stays silent, one sentence each. */
    readonly silent: readonly string[]
    readonly reach: Reach
    readonly fix: string
    /** The canonical text on the mistake. */
    readonly reference: string
    readonly examples: Readonly<Partial<Record<Language, Example>>>
  }
  /** Looks at one file, with the whole program to look things up in, and reports what it finds there. */
  check(file: File, program: Program, report: (draft: Draft) => void): void
}
