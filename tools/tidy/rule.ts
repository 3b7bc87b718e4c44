import type { Repository } from "./repository.ts"

/** One place that breaks a rule. */
export interface Finding {
  readonly path: string
  /** 1-based. */
  readonly line: number
  readonly message: string
  /** What an allowance may name: a banned global, a function. */
  readonly item?: string
  /** What an allowance may bound: a number of lines. */
  readonly size?: number
}

/** A rule of this repository. It reads the whole repository and judges no path on its own: allowances do that. */
export interface Rule {
  readonly name: string
  /** What to do instead, in one sentence; printed below the findings. */
  readonly mend: string
  readonly check: (repository: Repository) => Finding[]
}

/** An exception to a rule. It needs a reason, and it fails the build once nothing needs it any more. */
export interface Allowance {
  readonly rule: string
  /** A file, or a folder when it ends with a slash. */
  readonly path: string
  readonly reason: string
  /** Only this item; without it, every finding of the rule in `path`. */
  readonly item?: string
  /** Only up to this size, so that what is too large cannot grow unseen. */
  readonly upTo?: number
}
