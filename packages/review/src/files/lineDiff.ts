/**
 * Which lines of a text are new against an older one. Source: E. W. Myers, "An O(ND) Difference Algorithm and Its
 * Variations", 1986; what differs in more than MAX_EDITS lines is called changed as a whole.
 */

/** Bounds memory and time: the steps grow with its square. */
const MAX_EDITS = 1_500

/** Lines of one text that stand in the place of lines of another. Counted from 1; a count of 0 is an insertion point. */
export interface Hunk {
  readonly baseStart: number
  readonly baseCount: number
  readonly headStart: number
  readonly headCount: number
}

/** The hunks that make `head` of `base`, in order and without context. */
export function diffLines(base: string, head: string): Hunk[] {
  if (base === head) return []
  const a = linesOf(base)
  const b = linesOf(head)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let endA = a.length
  let endB = b.length
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  const kept = keptLines(number(a.slice(start, endA), b.slice(start, endB)))
  return hunksBetween(kept, endA - start, endB - start).map((hunk) => ({
    ...hunk,
    baseStart: hunk.baseStart + start,
    headStart: hunk.headStart + start,
  }))
}

/** The lines of a text without the empty one after a last line end. */
export function linesOf(text: string): string[] {
  const lines = text.split("\n")
  if (lines.at(-1) === "") lines.pop()
  return lines
}

/** Numbers are compared faster than lines. */
function number(a: readonly string[], b: readonly string[]): readonly [Uint32Array, Uint32Array] {
  const numbers = new Map<string, number>()
  const of = (line: string): number => {
    const known = numbers.get(line)
    if (known !== undefined) return known
    numbers.set(line, numbers.size)
    return numbers.size - 1
  }
  return [Uint32Array.from(a, of), Uint32Array.from(b, of)]
}

/** Pairs of lines, counted from 0, that both texts share in order. */
function keptLines([a, b]: readonly [Uint32Array, Uint32Array]): [number, number][] {
  const most = Math.min(a.length + b.length, MAX_EDITS)
  const reach = new Int32Array(2 * most + 3)
  const trace: Int32Array[] = []
  for (let edits = 0; edits <= most; edits++) {
    trace.push(reach.slice(most + 1 - edits - 1, most + 1 + edits + 2))
    for (let k = -edits; k <= edits; k += 2) {
      const at = k + most + 1
      const isDown = k === -edits || (k !== edits && reach[at - 1]! < reach[at + 1]!)
      let x = isDown ? reach[at + 1]! : reach[at - 1]! + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      reach[at] = x
      if (x >= a.length && x - k >= b.length) return walkBack(trace, a.length, b.length)
    }
  }
  return []
}

function walkBack(trace: readonly Int32Array[], endX: number, endY: number): [number, number][] {
  const kept: [number, number][] = []
  let x = endX
  let y = endY
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reach = trace[edits]!
    // The window that was kept of this round starts at diagonal -edits - 1.
    const of = (diagonal: number): number => reach[diagonal + edits + 1]!
    const k = x - y
    const isDown = k === -edits || (k !== edits && of(k - 1) < of(k + 1))
    const previousK = isDown ? k + 1 : k - 1
    const previousX = edits === 0 ? 0 : of(previousK)
    const previousY = edits === 0 ? 0 : previousX - previousK
    while (x > previousX && y > previousY) kept.push([--x, --y])
    x = previousX
    y = previousY
  }
  return kept.reverse()
}

function hunksBetween(kept: readonly [number, number][], endA: number, endB: number): Hunk[] {
  const hunks: Hunk[] = []
  let x = 0
  let y = 0
  for (const [keptX, keptY] of [...kept, [endA, endB] as const]) {
    if (keptX > x || keptY > y) {
      hunks.push({ baseStart: x + 1, baseCount: keptX - x, headStart: y + 1, headCount: keptY - y })
    }
    x = keptX + 1
    y = keptY + 1
  }
  return hunks
}
