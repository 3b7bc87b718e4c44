/** The code that a model sees: the function of the finding and up to two more that its facts point at. */
import { File } from "../analysis/program/file.ts"
import type { Finding, Place } from "../findings/finding.ts"
import { Lines } from "../findings/place.ts"
import { kindOf, parseSource } from "../frontends/parse.ts"
import { isDenied, redact } from "./redact.ts"

export const MAX_SLICES = 3
const MAX_LINES = 160
const MAX_CHARS = 8_000
/** Around a place outside of any function. */
const CONTEXT_LINES = 12

export interface Slice {
  readonly path: string
  readonly line: number
  readonly endLine: number
  /** Without secrets. */
  readonly code: string
}

interface Range {
  readonly line: number
  readonly endLine: number
}

/**
 * Cuts the slices of a finding; the first is its own function. Empty when its file must not be sent.
 * @param textOf - the text of a file as it was reviewed
 */
export async function slicesOf(
  finding: Finding,
  textOf: (path: string) => string | null,
): Promise<Slice[]> {
  if (isDenied(finding.path)) return []
  const places: Place[] = [finding, ...finding.because.flatMap(({ place }) => place ?? [])]
  const slices: Slice[] = []
  for (const place of places) {
    if (slices.length >= MAX_SLICES) break
    if (isDenied(place.path) || slices.some((slice) => covers(slice, place))) continue
    const text = textOf(place.path)
    if (text === null) continue
    const lines = new Lines(text)
    const range = shorten(await functionAround(place, text, lines), place)
    slices.push({ path: place.path, ...range, code: redact(cut(lines, range)) })
  }
  return slices[0]?.path === finding.path ? slices : []
}

function covers(slice: Slice, place: Place): boolean {
  return slice.path === place.path && slice.line <= place.line && place.line <= slice.endLine
}

async function functionAround(place: Place, text: string, lines: Lines): Promise<Range> {
  const around = {
    line: Math.max(1, place.line - CONTEXT_LINES),
    endLine: Math.min(lines.count, place.endLine + CONTEXT_LINES),
  }
  if (!kindOf(place.path)) return around
  try {
    const unit = await parseSource(place.path, text)
    const file = new File({ path: place.path, language: unit.language, text, unit, isTest: false })
    const offset = lines.offsetOf(place.line, place.column)
    const named = file.functions.filter(
      (fn) => !fn.isLambda && fn.start <= offset && offset < fn.end,
    )
    const inner = named.at(-1)
    if (!inner) return around
    return { line: lines.positionOf(inner.start).line, endLine: lines.positionOf(inner.end).line }
  } catch {
    // What cannot be parsed in time still has lines.
    return around
  }
}

/** Keeps the place in the middle of what is too long. */
function shorten(range: Range, place: Place): Range {
  if (range.endLine - range.line < MAX_LINES) return range
  const half = Math.floor(MAX_LINES / 2)
  const line = Math.max(range.line, Math.min(place.line - half, range.endLine - MAX_LINES + 1))
  return { line, endLine: Math.min(range.endLine, line + MAX_LINES - 1) }
}

function cut(lines: Lines, range: Range): string {
  const texts: string[] = []
  for (let line = range.line; line <= range.endLine; line++) texts.push(lines.textOf(line))
  return texts.join("\n").slice(0, MAX_CHARS)
}
