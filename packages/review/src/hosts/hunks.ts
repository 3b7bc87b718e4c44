/** The lines of a file that a change shows, from the patch that a host gives for it. Comments go only there. */

/** A line of the new text that stands in a hunk. */
export interface ShownLine {
  readonly hunk: number
  /** Its number in the old text, or null when it is new. */
  readonly oldLine: number | null
}

/** By the line's number in the new text. Hosts leave a patch out for large files, and then nothing is shown. */
export function shownLines(patch: string | null | undefined): Map<number, ShownLine> {
  const shown = new Map<number, ShownLine>()
  let hunk = -1
  let oldLine = 0
  let newLine = 0
  for (const row of (patch ?? "").split("\n")) {
    const header = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(row)
    if (header !== null) {
      hunk += 1
      oldLine = Number(header[1])
      newLine = Number(header[2])
    } else if (hunk < 0 || row.startsWith("\\")) {
      continue
    } else if (row.startsWith("-")) {
      oldLine += 1
    } else if (row.startsWith("+")) {
      shown.set(newLine++, { hunk, oldLine: null })
    } else if (row.startsWith(" ")) {
      shown.set(newLine++, { hunk, oldLine: oldLine++ })
    }
  }
  return shown
}
