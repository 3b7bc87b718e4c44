/** Reads a unified diff, as `git diff` and code hosts print it, and takes one back from a text that it was applied to. */
import { InputError } from "./inputError.ts"
import { type Hunk, linesOf } from "./lineDiff.ts"

/** A hunk with its lines. */
export interface PatchHunk extends Hunk {
  /** Each with its mark, " ", "-" or "+". */
  readonly lines: readonly string[]
  /** Whether the last line of the old text, or of the new one, has no line end. */
  readonly baseEndsOpen: boolean
  readonly headEndsOpen: boolean
}

export interface Patch {
  /** Relative to the diff's root; null for a file that is new, or gone. */
  readonly basePath: string | null
  readonly headPath: string | null
  readonly hunks: readonly PatchHunk[]
}

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/
const MAX_PATCHES = 100_000

/**
 * The patches of a diff, in its order. Text around them is passed over.
 * @throws InputError when a hunk does not have the lines that it announces
 */
export function parseUnifiedDiff(diff: string): Patch[] {
  const lines = diff.split("\n")
  const patches: Patch[] = []
  let header: Header = {}
  for (let at = 0; at < lines.length;) {
    const line = lines[at]!
    if (line.startsWith("diff --git ")) {
      pushRename(patches, header)
      header = {}
      at++
    } else if (line.startsWith("--- ") && lines[at + 1]?.startsWith("+++ ")) {
      const read = readHunks(lines, at + 2)
      patches.push({
        basePath: readPath(line.slice(4), "a/"),
        headPath: readPath(lines[at + 1]!.slice(4), "b/"),
        hunks: read.hunks,
      })
      header = {}
      at = read.next
    } else {
      const rename = /^rename (from|to) (.+?)\r?$/.exec(line)
      if (rename)
        header = { ...header, [rename[1] === "from" ? "from" : "to"]: unquote(rename[2]!) }
      at++
    }
    if (patches.length > MAX_PATCHES)
      throw new InputError(`the diff has more than ${MAX_PATCHES} files`)
  }
  pushRename(patches, header)
  return patches
}

interface Header {
  readonly from?: string
  readonly to?: string
}

/** A rename without a change of text has no `---` line. */
function pushRename(patches: Patch[], { from, to }: Header): void {
  if (from !== undefined && to !== undefined)
    patches.push({ basePath: from, headPath: to, hunks: [] })
}

function readHunks(lines: readonly string[], start: number): { hunks: PatchHunk[]; next: number } {
  const hunks: PatchHunk[] = []
  let at = start
  for (let match = HUNK.exec(lines[at] ?? ""); match; match = HUNK.exec(lines[at] ?? "")) {
    const [, baseStart, baseCount = "1", headStart, headCount = "1"] = match
    const hunk = readHunk(lines, at + 1, Number(baseCount), Number(headCount))
    hunks.push({
      // A side without lines is said to be after the line of its number.
      baseStart: Number(baseStart) + (baseCount === "0" ? 1 : 0),
      baseCount: Number(baseCount),
      headStart: Number(headStart) + (headCount === "0" ? 1 : 0),
      headCount: Number(headCount),
      ...hunk,
    })
    at = hunk.next
  }
  return { hunks, next: at }
}

function readHunk(
  lines: readonly string[],
  start: number,
  baseCount: number,
  headCount: number,
): { lines: string[]; baseEndsOpen: boolean; headEndsOpen: boolean; next: number } {
  const found: string[] = []
  let base = 0
  let head = 0
  let baseEndsOpen = false
  let headEndsOpen = false
  let at = start
  for (; base < baseCount || head < headCount || lines[at]?.startsWith("\\"); at++) {
    const line = lines[at]
    const mark = line?.[0] ?? (line === "" ? " " : undefined)
    if (mark === "\\") {
      const last = found.at(-1)?.[0]
      baseEndsOpen ||= last !== "+"
      headEndsOpen ||= last !== "-"
      continue
    }
    if (line === undefined || (mark !== " " && mark !== "-" && mark !== "+")) {
      throw new InputError(`the diff ends within a hunk, at its line ${at + 1}`)
    }
    if (mark !== "+") base++
    if (mark !== "-") head++
    found.push(line === "" ? " " : line)
  }
  return { lines: found, baseEndsOpen, headEndsOpen, next: at }
}

/** Without the prefix that Git puts before it, and without the time that diff(1) puts after it. */
function readPath(text: string, prefix: string): string | null {
  const path = unquote(text.replace(/\r$/, "").split("\t", 1)[0]!)
  if (path === "/dev/null") return null
  return path.startsWith(prefix) ? path.slice(prefix.length) : path
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  t: "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
}

/** Git quotes unusual names as C does, bytes in octal. */
function unquote(text: string): string {
  if (!text.startsWith('"') || !text.endsWith('"') || text.length < 2) return text
  const bytes: Buffer[] = []
  for (const part of text.slice(1, -1).match(/\\[0-7]{3}|\\.|[^\\]+/gs) ?? []) {
    if (/^\\[0-7]{3}$/.test(part))
      bytes.push(Buffer.from([Number.parseInt(part.slice(1), 8) & 255]))
    else bytes.push(Buffer.from(part.startsWith("\\") ? (ESCAPES[part[1]!] ?? part[1]!) : part))
  }
  return Buffer.concat(bytes).toString("utf8")
}

/** The changed lines alone, without the context that a patch has around them. */
export function changedLines(patch: Patch): Hunk[] {
  return patch.hunks.flatMap((hunk) => {
    const changes: Hunk[] = []
    let base = hunk.baseStart
    let head = hunk.headStart
    let open: { base: number; head: number } | null = null
    const close = (): void => {
      if (open) {
        const { base: baseStart, head: headStart } = open
        changes.push({
          baseStart,
          baseCount: base - baseStart,
          headStart,
          headCount: head - headStart,
        })
      }
      open = null
    }
    for (const line of hunk.lines) {
      if (line.startsWith(" ")) close()
      else open ??= { base, head }
      if (!line.startsWith("+")) base++
      if (!line.startsWith("-")) head++
    }
    close()
    return changes
  })
}

/** The text that was there before a patch; null when the text is not what the patch made. */
export function revertPatch(patch: Patch, text: string): string | null {
  const head = linesOf(text)
  const base: string[] = []
  let at = 0
  for (const hunk of patch.hunks) {
    const start = hunk.headStart - 1
    if (start < at || start > head.length) return null
    base.push(...head.slice(at, start))
    at = start
    for (const line of hunk.lines) {
      const content = line.slice(1)
      if (!line.startsWith("-")) {
        if (stripReturn(head[at]) !== stripReturn(content)) return null
        if (line.startsWith(" ")) base.push(head[at]!)
        at++
      } else base.push(content)
    }
  }
  base.push(...head.slice(at))
  const last = patch.hunks.at(-1)
  const reachesEnd = last !== undefined && at === head.length
  const isOpen = reachesEnd ? last.baseEndsOpen : !text.endsWith("\n")
  return base.length === 0 ? "" : base.join("\n") + (isOpen ? "" : "\n")
}

/** A diff that went through a mail or a clipboard may have lost its carriage returns. */
function stripReturn(line: string | undefined): string | undefined {
  return line?.endsWith("\r") ? line.slice(0, -1) : line
}
