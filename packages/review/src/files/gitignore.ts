/**
 * The patterns of `.gitignore` and `.gitattributes`. They come with the repository that is reviewed, so a pattern may
 * be hostile: each is matched in (length of the name) × (length of the pattern) steps and never as a regular
 * expression. Source: gitignore(5).
 */

/** Longer lines are left out. */
const MAX_PATTERN = 512
/** Lines of one file that are read. */
export const MAX_PATTERNS = 2_000

export interface Pattern {
  readonly isNegated: boolean
  readonly folderOnly: boolean
  /** Whether it speaks of the path from its own folder; else of a name at any depth below. */
  readonly isAnchored: boolean
  readonly segments: readonly string[]
  /** A name without wildcards is only compared. */
  readonly literal: string | null
}

/** Reads one line; null for what holds no pattern. */
export function parsePattern(line: string): Pattern | null {
  let text = trimEnd(line)
  if (text === "" || text.startsWith("#") || text.length > MAX_PATTERN) return null
  const isNegated = text.startsWith("!")
  if (isNegated) text = text.slice(1)
  const folderOnly = text.endsWith("/")
  if (folderOnly) text = text.slice(0, -1)
  const isAnchored = text.includes("/")
  if (text.startsWith("/")) text = text.slice(1)
  if (text === "") return null
  const segments = text
    .split("/")
    .filter((segment, i, all) => segment !== "**" || all[i - 1] !== "**")
  const literal = segments.length === 1 && !/[*?[\\]/.test(text) ? text : null
  return { isNegated, folderOnly, isAnchored, segments, literal }
}

/** Spaces at the end do not count unless they are escaped. */
function trimEnd(line: string): string {
  let end = line.endsWith("\r") ? line.length - 1 : line.length
  while (end > 0 && line[end - 1] === " " && line[end - 2] !== "\\") end--
  return line.slice(0, end)
}

/** Whether a pattern matches a path relative to the folder of its file. */
export function matchesPattern(pattern: Pattern, path: string, isFolder: boolean): boolean {
  if (pattern.folderOnly && !isFolder) return false
  const name = path.slice(path.lastIndexOf("/") + 1)
  if (!pattern.isAnchored) {
    return pattern.literal === null
      ? matchesName(pattern.segments[0]!, name)
      : pattern.literal === name
  }
  if (pattern.literal !== null) return pattern.literal === path
  return matchesSegments(pattern.segments, path.split("/"))
}

/** Carries the positions in the pattern that can have been reached, one folder of the path after the other. */
function matchesSegments(pattern: readonly string[], path: readonly string[]): boolean {
  let reached = new Set([0])
  for (const [i, segment] of path.entries()) {
    const next = new Set<number>()
    for (const at of reached) {
      if (pattern[at] !== "**") {
        if (at < pattern.length && matchesName(pattern[at]!, segment)) next.add(at + 1)
        continue
      }
      next.add(at)
      // `**` at the end takes everything below, but not the folder itself; elsewhere it may also take nothing.
      if (at === pattern.length - 1) {
        if (i === path.length - 1) return true
      } else if (matchesName(pattern[at + 1]!, segment)) next.add(at + 2)
    }
    reached = next
  }
  return reached.has(pattern.length)
}

/**
 * `*`, `?`, `[a-z]`, `[!a]` and `\x` within one name. Only the last star is ever tried again, which is enough, and
 * keeps the steps bounded.
 */
export function matchesName(pattern: string, name: string): boolean {
  let p = 0
  let n = 0
  let starAt = -1
  let starName = 0
  while (n < name.length) {
    const taken = p < pattern.length ? takeOne(pattern, p, name[n]!) : 0
    if (p < pattern.length && pattern[p] === "*") {
      starAt = p++
      starName = n
    } else if (taken > 0) {
      p += taken
      n++
    } else if (starAt >= 0) {
      p = starAt + 1
      n = ++starName
    } else return false
  }
  while (pattern[p] === "*") p++
  return p >= pattern.length
}

/** How many characters of the pattern stand for this character of the name; 0 when they do not. */
function takeOne(pattern: string, at: number, char: string): number {
  const first = pattern[at]!
  if (first === "?") return 1
  if (first === "\\") return pattern[at + 1] === char ? 2 : 0
  if (first !== "[") return first === char && first !== "*" ? 1 : 0
  const close = pattern.indexOf("]", at + 2 + (/[!^]/.test(pattern[at + 1] ?? "") ? 1 : 0))
  if (close < 0) return char === "[" ? 1 : 0
  return matchesClass(pattern.slice(at + 1, close), char) ? close - at + 1 : 0
}

function matchesClass(body: string, char: string): boolean {
  const isNegated = body.startsWith("!") || body.startsWith("^")
  let isIn = false
  for (let i = isNegated ? 1 : 0; i < body.length; i++) {
    const from = body[i] === "\\" ? body[++i] : body[i]
    if (from === undefined) break
    if (body[i + 1] === "-" && i + 2 < body.length) {
      i += 2
      const to = body[i]!
      if (from <= char && char <= to) isIn = true
    } else if (from === char) isIn = true
  }
  return isIn !== isNegated
}
