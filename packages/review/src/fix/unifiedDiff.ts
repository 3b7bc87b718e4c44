/** A unified diff of two texts, as `git apply` and `patch` take it. */
import { diffLines, type Hunk } from "../files/lineDiff.ts"

const CONTEXT = 3

/** What stands at the end of a last line that has no line end; no text file holds it. */
const OPEN_END = "\0"

/** The diff that makes `after` of `before`, or "" when they are the same. */
export function unifiedDiff(path: string, before: string, after: string): string {
  if (before === after) return ""
  const a = closed(before)
  const b = closed(after)
  const old = a.split("\n").slice(0, -1)
  const now = b.split("\n").slice(0, -1)
  const groups = grouped(diffLines(a, b))
  const rows = [`--- ${quoted(`a/${path}`)}`, `+++ ${quoted(`b/${path}`)}`]
  for (const group of groups) rows.push(...groupRows(group, old, now))
  return `${rows.join("\n")}\n`
}

/** A text whose every line has an end. */
function closed(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}${OPEN_END}\n`
}

/** Hunks whose context would touch are one. */
function grouped(hunks: readonly Hunk[]): Hunk[][] {
  const groups: Hunk[][] = []
  for (const hunk of hunks) {
    const last = groups.at(-1)?.at(-1)
    if (last !== undefined && hunk.baseStart - (last.baseStart + last.baseCount) <= 2 * CONTEXT) {
      groups.at(-1)!.push(hunk)
    } else groups.push([hunk])
  }
  return groups
}

function groupRows(
  group: readonly Hunk[],
  old: readonly string[],
  now: readonly string[],
): string[] {
  const first = group[0]!
  const last = group.at(-1)!
  const before = Math.min(CONTEXT, first.baseStart - 1)
  const end = Math.min(last.baseStart + last.baseCount - 1 + CONTEXT, old.length)
  const after = end - (last.baseStart + last.baseCount - 1)
  const baseFrom = first.baseStart - before
  const headFrom = first.headStart - before
  const headEnd = last.headStart + last.headCount - 1 + after
  const rows = [`@@ -${range(baseFrom, end)} +${range(headFrom, headEnd)} @@`]
  let at = baseFrom
  for (const { baseStart, baseCount, headStart, headCount } of group) {
    for (; at < baseStart; at++) rows.push(row(" ", old[at - 1]!))
    for (; at < baseStart + baseCount; at++) rows.push(row("-", old[at - 1]!))
    for (let i = 0; i < headCount; i++) rows.push(row("+", now[headStart + i - 1]!))
  }
  for (; at <= end; at++) rows.push(row(" ", old[at - 1]!))
  return rows
}

/** "3,7", "3" for one line, and "2,0" for none after line 2. */
function range(from: number, to: number): string {
  const size = to - from + 1
  if (size === 0) return `${from - 1},0`
  return size === 1 ? `${from}` : `${from},${size}`
}

function row(sign: string, line: string): string {
  return line.endsWith(OPEN_END)
    ? `${sign}${line.slice(0, -1)}\n\\ No newline at end of file`
    : `${sign}${line}`
}

/** Git's way to write a name with characters that would break the line. */
function quoted(name: string): string {
  if (!/["\\\p{Cc}]/u.test(name)) return name.includes(" ") ? `${name}\t` : name
  const inner = name.replace(/["\\]/g, "\\$&").replace(/\p{Cc}/gu, (char) => {
    return `\\${(char.codePointAt(0) ?? 0).toString(8).padStart(3, "0")}`
  })
  return `"${inner}"`
}
