/**
 * What makes a finding the same one tomorrow. Baselines, code hosts and review comments remember this value, so its
 * form never changes: the first 16 hexadecimal digits of the SHA-256 of the UTF-8 of
 *
 *     JSON.stringify([rule, path, symbol, text, ordinal])
 *
 * where `path` is relative to the root with `/`, `symbol` is the enclosing function or "", `text` is the finding's
 * first line with each run of white space made one space and none at its ends, and `ordinal` counts from 0 the
 * findings of which all four are equal, in the order of the file. The line's number is not in it: code above a finding
 * comes and goes.
 */
import { createHash } from "node:crypto"

/** What two findings have in common when only their ordinal tells them apart. */
export interface Identity {
  readonly rule: string
  readonly path: string
  readonly symbol: string
  /** The line on which the finding starts, as it stands in the file. */
  readonly lineText: string
}

/** The fingerprint of one finding whose ordinal is known. */
export function fingerprintOf(identity: Identity, ordinal: number): string {
  const { rule, path, symbol } = identity
  const form = JSON.stringify([rule, path, symbol, normaliseLine(identity.lineText), ordinal])
  return createHash("sha256").update(form, "utf8").digest("hex").slice(0, 16)
}

/** The fingerprints of findings that are handed over in the order of their places: all of a file, or all of a run. */
export function fingerprintsOf(identities: readonly Identity[]): string[] {
  const seen = new Map<string, number>()
  return identities.map((identity) => {
    const equal = fingerprintOf(identity, 0)
    const ordinal = seen.get(equal) ?? 0
    seen.set(equal, ordinal + 1)
    return ordinal === 0 ? equal : fingerprintOf(identity, ordinal)
  })
}

/** A line as fingerprints see it: indentation, alignment and line ends do not count. */
export function normaliseLine(text: string): string {
  return text.trim().replace(/\s+/g, " ")
}
