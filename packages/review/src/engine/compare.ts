/** Which findings are new, and which are gone. */
import type { Finding } from "../findings/finding.ts"
import { diffLines, linesOf, type Hunk } from "../files/lineDiff.ts"
import type { TextFile } from "../files/tree.ts"

/** How many pairs of a file that went and one that came are compared for a rename. */
const MAX_PAIRS = 2_000
/** Of the lines of the larger file. */
const RENAMED_SHARE = 0.5

export interface Compared {
  /** In the head only. */
  readonly introduced: readonly Finding[]
  /** In the base only, at their places in the base. */
  readonly fixed: readonly Finding[]
  /** In both, at their places in the head. */
  readonly existing: readonly Finding[]
}

/**
 * Where each file of the base is now, for those that were renamed. A file with the same text is the same file, and one
 * that shares most of its lines is taken for it.
 */
export function findRenames(
  base: readonly TextFile[],
  head: readonly TextFile[],
): Map<string, string> {
  const inBase = new Set(base.map(({ path }) => path))
  const inHead = new Set(head.map(({ path }) => path))
  const gone = base.filter(({ path }) => !inHead.has(path))
  const come = head.filter(({ path }) => !inBase.has(path))
  const renames = new Map<string, string>()
  const taken = new Set<string>()
  const take = (from: TextFile, to: TextFile): void => {
    renames.set(from.path, to.path)
    taken.add(to.path)
  }
  const byText = new Map(come.toReversed().map((file) => [file.text, file]))
  for (const file of gone) {
    const same = byText.get(file.text)
    if (same && !taken.has(same.path) && extensionOf(file.path) === extensionOf(same.path))
      take(file, same)
  }
  const rest = gone.filter(({ path }) => !renames.has(path))
  let pairs = 0
  for (const from of rest) {
    let best: TextFile | null = null
    let bestShare = RENAMED_SHARE
    for (const to of come) {
      if (taken.has(to.path) || extensionOf(from.path) !== extensionOf(to.path)) continue
      if (++pairs > MAX_PAIRS) return renames
      const share = sharedLines(from.text, to.text)
      if (share > bestShare) {
        best = to
        bestShare = share
      }
    }
    if (best) take(from, best)
  }
  return renames
}

function extensionOf(path: string): string {
  return path.slice(path.lastIndexOf("."))
}

function sharedLines(a: string, b: string): number {
  const counts = new Map<string, number>()
  const linesA = linesOf(a)
  const linesB = linesOf(b)
  for (const line of linesA) counts.set(line, (counts.get(line) ?? 0) + 1)
  let shared = 0
  for (const line of linesB) {
    const left = counts.get(line) ?? 0
    if (left > 0) {
      counts.set(line, left - 1)
      shared++
    }
  }
  return shared / Math.max(linesA.length, linesB.length, 1)
}

/**
 * Pairs the findings of two trees: first by fingerprint, then by an unchanged line, for a function may be renamed above
 * a mistake that stays.
 * @param renames - as findRenames gives them; the base's fingerprints are made with the new names
 */
export function compareFindingsOf(
  base: { readonly findings: readonly Finding[]; readonly files: readonly TextFile[] },
  head: { readonly findings: readonly Finding[]; readonly files: readonly TextFile[] },
  renames: ReadonlyMap<string, string>,
): Compared {
  const before = new Map(base.findings.map((finding) => [finding.fingerprint, finding]))
  const existing: Finding[] = []
  const unpaired: Finding[] = []
  for (const finding of head.findings) {
    if (before.delete(finding.fingerprint)) existing.push(finding)
    else unpaired.push(finding)
  }
  const lines = new LineMaps(base.files, head.files, renames)
  const introduced = unpaired.filter((finding) => {
    const line = lines.baseLineOf(finding.path, finding.line)
    if (line === null) return true
    for (const [fingerprint, old] of before) {
      const isSame =
        old.rule === finding.rule &&
        old.line === line &&
        (renames.get(old.path) ?? old.path) === finding.path
      if (!isSame) continue
      before.delete(fingerprint)
      existing.push(finding)
      return false
    }
    return true
  })
  return { introduced, fixed: [...before.values()], existing }
}

/** Where lines of the head were in the base. */
class LineMaps {
  readonly #base: ReadonlyMap<string, TextFile>
  readonly #head: ReadonlyMap<string, TextFile>
  readonly #basePaths: ReadonlyMap<string, string>
  readonly #hunks = new Map<string, readonly Hunk[]>()

  constructor(
    base: readonly TextFile[],
    head: readonly TextFile[],
    renames: ReadonlyMap<string, string>,
  ) {
    this.#base = new Map(base.map((file) => [file.path, file]))
    this.#head = new Map(head.map((file) => [file.path, file]))
    this.#basePaths = new Map([...renames].map(([from, to]) => [to, from]))
  }

  /** The line's number in the base; null for a line that is new or changed. */
  baseLineOf(path: string, line: number): number | null {
    const base = this.#base.get(this.#basePaths.get(path) ?? path)
    const head = this.#head.get(path)
    if (!base || !head) return null
    let hunks = this.#hunks.get(path)
    if (!hunks) this.#hunks.set(path, (hunks = diffLines(base.text, head.text)))
    let shift = 0
    for (const { baseCount, headStart, headCount } of hunks) {
      if (line < headStart) break
      if (line < headStart + headCount) return null
      shift += baseCount - headCount
    }
    return line + shift
  }
}
