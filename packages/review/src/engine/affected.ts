/**
 * Which files of a base tree can tell more than the head's findings do: those that changed, those in which the head has
 * findings, and those that call what changed. All others would say the same on both sides.
 */
import type { Finding } from "../findings/finding.ts"
import type { TextFile } from "../files/tree.ts"
import type { SievedSource } from "./analyse.ts"
import type { Side } from "./side.ts"

/** @returns paths of the base */
export function affectedPaths(
  base: Side,
  head: Side,
  headFindings: readonly Finding[],
  renames: ReadonlyMap<string, string>,
): Set<string> {
  const basePaths = new Map([...renames].map(([from, to]) => [to, from]))
  const paths = new Set(headFindings.map(({ path }) => basePaths.get(path) ?? path))
  const before = new Set(base.sources)
  const after = new Set(head.sources)
  const heads = new Map(head.sources.map((source) => [source.path, source]))
  const names = new Set<string>()
  // A source with the same path and text is one object in both trees.
  for (const source of base.sources) {
    if (after.has(source)) continue
    paths.add(source.path)
    addChanged(source, heads.get(renames.get(source.path) ?? source.path), names)
  }
  for (const source of head.sources) {
    if (!before.has(source) && !base.texts.has(source.path)) addChanged(source, undefined, names)
  }
  for (const source of base.sources) {
    if (source.summary.calls.some((name) => names.has(name))) paths.add(source.path)
  }
  return paths
}

/** Names of what stands in one of the two only, or stands differently. */
function addChanged(a: SievedSource, b: SievedSource | undefined, names: Set<string>): void {
  const inA = piecesOf(a)
  const inB = b ? piecesOf(b) : new Map<string, string>()
  for (const [name, text] of [...inA, ...inB]) {
    if (inA.get(name) !== inB.get(name) && text !== "") names.add(name)
  }
}

/** The text of each function and class, up to the next one: enough to see whether it changed. */
function piecesOf({ summary, text }: SievedSource): Map<string, string> {
  const entries = [...summary.functions, ...summary.classes].sort((a, b) => a.start - b.start)
  const pieces = new Map<string, string>()
  for (const [i, { name, start }] of entries.entries()) {
    const piece = text.slice(start, entries[i + 1]?.start ?? text.length).trimEnd()
    pieces.set(name, (pieces.get(name) ?? "") + piece)
  }
  return pieces
}

/** Whether configuration, documents or SQL differ: then a finding anywhere may have come or gone. */
export function isEvidenceChanged(base: readonly TextFile[], head: readonly TextFile[]): boolean {
  const before = new Map(base.map(({ path, text }) => [path, text]))
  return base.length !== head.length || head.some(({ path, text }) => before.get(path) !== text)
}
