/** Which findings can stand beside a line of a change, and where. */
import type { Finding, Report } from "../findings/finding.ts"
import type { RenderOptions } from "../reports/report.ts"
import type { ShownLine } from "./hunks.ts"
import { suggestionOf, type Suggestion } from "./suggestion.ts"

/** More in one review are not read, and hosts turn a flood of them away. */
export const MAX_INLINE = 50

/** A file of a change, as the host names it. */
export interface ChangedFile {
  readonly path: string
  /** What it was called before; the same unless it was renamed. */
  readonly oldPath: string
  readonly shown: ReadonlyMap<number, ShownLine>
}

export interface Inline {
  readonly finding: Finding
  readonly file: ChangedFile
  readonly line: ShownLine
  readonly suggestion: Suggestion | null
}

export interface Placing {
  readonly inline: readonly Inline[]
  /** What has no line to stand beside. */
  readonly rest: readonly Finding[]
}

export interface PlacingOptions extends RenderOptions {
  /** Where the reviewed root lies in the repository: "" or "services/a/". */
  readonly prefix: string
}

/** Places findings; those in `known` have a comment already, which stays where it is. */
export function place(
  report: Report,
  files: readonly ChangedFile[],
  known: ReadonlySet<string>,
  options: PlacingOptions,
): Placing {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const inline: Inline[] = []
  const rest: Finding[] = []
  for (const finding of report.findings) {
    if (known.has(finding.fingerprint)) continue
    const file = byPath.get(`${options.prefix}${finding.path}`)
    const line = file?.shown.get(finding.line)
    if (file === undefined || line === undefined || inline.length >= MAX_INLINE) rest.push(finding)
    else {
      const text = options.textOf?.(finding.path) ?? null
      inline.push({ finding, file, line, suggestion: suggestionOf(finding, text, file.shown) })
    }
  }
  return { inline, rest }
}
