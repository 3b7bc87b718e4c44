/** What a guide shows: its fenced blocks, and in those of a shell the commands with what they are said to print. */

export interface Fence {
  readonly language: string
  readonly text: string
  /** From 1: where the fence opens. */
  readonly line: number
}

export interface Shown {
  readonly command: string
  readonly line: number
  /** What the guide says that it prints; null where it says nothing. */
  readonly output: string | null
}

/** The fenced blocks of a page, in order. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = []
  let open: { language: string; line: number; lines: string[] } | null = null
  for (const [at, line] of markdown.split("\n").entries()) {
    const mark = /^```(\w*)\s*$/.exec(line)
    if (mark && open === null) open = { language: mark[1]!, line: at + 1, lines: [] }
    else if (mark && open !== null) {
      fences.push({ language: open.language, line: open.line, text: open.lines.join("\n") })
      open = null
    } else open?.lines.push(line)
  }
  return fences
}

/** The commands of a page's shell blocks. A block of `text` right behind one is what its last command prints. */
export function commandsIn(markdown: string): Shown[] {
  const fences = fencesOf(markdown)
  return fences.flatMap((fence, at) => {
    if (fence.language !== "sh") return []
    const next = fences[at + 1]
    const output = next?.language === "text" ? next.text : null
    const lines = fence.text
      .split("\n")
      .map((text, index) => ({ command: text.trim(), line: fence.line + 1 + index }))
      .filter(({ command }) => command !== "" && !command.startsWith("#"))
    return lines.map((one, index) => ({
      ...one,
      output: index === lines.length - 1 ? output : null,
    }))
  })
}
