/** Calls to others that may never come back: what each language's part of this folder finds. */
import type { Severity, Tier } from "../../../findings/finding.ts"
import type { File } from "../../program/file.ts"

interface Spot {
  readonly start: number
  readonly end: number
}

export interface Unbounded {
  readonly at: Spot
  readonly tier: Tier
  readonly severity: Severity
  /** What the call is: "`requests.get`". */
  readonly what: string
  /** Why nothing ends it, as a clause after the subject. */
  readonly why: string
  readonly facts: readonly { readonly text: string; readonly at: Spot; readonly file?: File }[]
  readonly checked: readonly string[]
  readonly fix: string
  readonly edits?: readonly {
    readonly start: number
    readonly end: number
    readonly text: string
  }[]
}
