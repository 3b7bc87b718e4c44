/** What changed between two reviews. */
import type { Finding } from "../findings/finding.ts"

export interface Difference {
  readonly appeared: readonly Finding[]
  readonly gone: readonly Finding[]
}

/** Findings are the same when their fingerprints are, wherever their lines moved. */
export function differenceOf(before: readonly Finding[], after: readonly Finding[]): Difference {
  const was = new Set(before.map(({ fingerprint }) => fingerprint))
  const is = new Set(after.map(({ fingerprint }) => fingerprint))
  return {
    appeared: after.filter(({ fingerprint }) => !was.has(fingerprint)),
    gone: before.filter(({ fingerprint }) => !is.has(fingerprint)),
  }
}
