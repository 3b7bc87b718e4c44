/**
 * Path patterns. Configurations come with the repository that is reviewed, so a pattern may be hostile: it is matched
 * by carrying a set of positions over the path, which takes (length of the path) × (length of the pattern) steps and
 * can never run away.
 */

/** Longer ones are refused when a configuration is read. */
export const MAX_PATTERN = 512
/** `{a,b}` groups multiply; more alternatives than this are refused. */
const MAX_ALTERNATIVES = 64

/** A literal character, `?`, `*` (within a name) or `**` (across names). */
type Token = { readonly char: string } | "one" | "star" | "globstar"

/** Whether a path relative to the root, with `/`, is meant. */
export type PathMatcher = (path: string) => boolean

/**
 * Compiles patterns; a path is meant when one of them matches it or a folder above it.
 *
 * `*` and `?` stay within a name, `**` crosses folders, `{a,b}` is either. A pattern without `/` (or with one only at
 * its end) means that name at any depth, every other one starts at the root.
 * @throws RangeError when a pattern is too long, has too many alternatives or unclosed braces
 */
export function compileGlobs(patterns: readonly string[]): PathMatcher {
  const compiled = patterns.flatMap((pattern) => alternatives(pattern).map(tokensOf))
  if (compiled.length === 0) return () => false
  return (path) => compiled.some((tokens) => matches(tokens, path))
}

/** Why a pattern cannot be used, or null. */
export function globProblem(pattern: string): string | null {
  if (pattern.trim() === "") return "is empty"
  if (pattern.length > MAX_PATTERN) return `is longer than ${MAX_PATTERN} characters`
  if (pattern.startsWith("!")) return 'starts with "!", and exclusions cannot be taken back'
  if (pattern.startsWith("/") || /^[A-Za-z]:/.test(pattern)) {
    return "is absolute; patterns start at the root of the review"
  }
  if (pattern.split("/").includes("..")) return 'has ".." and would leave the root of the review'
  if (pattern.includes("\\")) return 'has "\\"; folders are separated by "/"'
  try {
    alternatives(pattern)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function alternatives(pattern: string): string[] {
  let heads = [""]
  let at = 0
  while (at < pattern.length) {
    const open = pattern.indexOf("{", at)
    if (open < 0) return heads.map((head) => head + pattern.slice(at))
    const close = pattern.indexOf("}", open)
    if (close < 0) throw new RangeError('has "{" without "}"')
    const inner = pattern.slice(open + 1, close)
    if (inner.includes("{")) throw new RangeError('has "{" within "{…}"')
    const before = pattern.slice(at, open)
    const choices = inner.split(",")
    if (heads.length * choices.length > MAX_ALTERNATIVES) {
      throw new RangeError(`stands for more than ${MAX_ALTERNATIVES} patterns`)
    }
    heads = heads.flatMap((head) => choices.map((choice) => head + before + choice))
    at = close + 1
  }
  return heads
}

function tokensOf(pattern: string): Token[] {
  const trimmed = pattern.replace(/^\.\//, "").replace(/\/$/, "")
  const tokens: Token[] = trimmed.includes("/") ? [] : ["globstar"]
  for (let at = 0; at < trimmed.length; at++) {
    const char = trimmed[at]!
    if (char === "?") tokens.push("one")
    else if (char !== "*") tokens.push({ char })
    else if (trimmed[at + 1] !== "*") tokens.push("star")
    else {
      while (trimmed[at + 1] === "*") at++
      // The slash belongs to the crossing: "a/**/b" also means "a/b".
      if (trimmed[at + 1] === "/") at++
      tokens.push("globstar")
    }
  }
  return tokens
}

/** Carries the positions in the pattern that can have been reached, one character of the path after the other. */
function matches(tokens: readonly Token[], path: string): boolean {
  const end = tokens.length
  let reached = reachFree(tokens, new Uint8Array(end + 1).fill(1, 0, 1), true)
  for (let at = 0; at < path.length; at++) {
    const char = path[at]!
    // All of the pattern was a folder above the path.
    if (char === "/" && reached[end] === 1) return true
    const next = new Uint8Array(end + 1)
    for (let i = 0; i < end; i++) {
      if (reached[i] === 0) continue
      const token = tokens[i]!
      if (token === "globstar") next[i] = 1
      else if (token === "star") next[i] = char === "/" ? 0 : 1
      else if (token === "one") next[i + 1] ||= char === "/" ? 0 : 1
      else if (token.char === char) next[i + 1] = 1
    }
    reached = reachFree(tokens, next, char === "/")
  }
  return reached[end] === 1
}

/** Steps over stars that match nothing. A `**` is left at the start of a name only. */
function reachFree(
  tokens: readonly Token[],
  reached: Uint8Array,
  atNameStart: boolean,
): Uint8Array {
  for (let i = 0; i < tokens.length; i++) {
    if (reached[i] === 0) continue
    const token = tokens[i]!
    if (token === "star") reached[i + 1] = 1
    // At the end of a pattern `**` takes whatever is left.
    else if (token === "globstar" && (atNameStart || i === tokens.length - 1)) reached[i + 1] = 1
  }
  return reached
}
