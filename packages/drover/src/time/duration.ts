import { DroverError } from "../errors/index.ts"

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/y
// A hundred years: whatever is longer is a mistake, and 2^53 / 1000 is far away.
const LONGEST_MS = 100 * 365.25 * 86_400_000

/** A length of time: `"250ms"`, `"1.5s"`, `"5m"`, `"1h30m"`, `"7d"`, or a number of milliseconds. */
export type Duration = number | string

/**
 * Reads a duration as milliseconds.
 * @param name what the option is called, for the error.
 * @throws DroverError `DROVER_CONFIG` for a negative, not finite, unreadable or absurdly long duration.
 */
export function parseDuration(value: Duration, name: string): number {
  const ms = typeof value === "number" ? value : parseText(value)
  if (!Number.isFinite(ms) || ms < 0 || ms > LONGEST_MS) {
    throw new DroverError(
      "DROVER_CONFIG",
      `${name}: ${JSON.stringify(value)} is not a duration; write milliseconds as a number or a text such as "250ms", "5m" or "1h30m" (at most 100 years)`,
      { details: { name, value } },
    )
  }
  return ms
}

function parseText(text: string): number {
  if (typeof text !== "string" || text.length === 0) return Number.NaN
  let totalMs = 0
  PART.lastIndex = 0
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text)
    if (match === null) return Number.NaN
    totalMs += Number(match[1]) * UNITS[match[2]!]!
  }
  return totalMs
}

/** Writes milliseconds for people: `"1h30m"`, `"2.5s"`, `"40ms"`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`
  let rest = Math.round(ms / 1_000)
  let text = ""
  for (const [unit, seconds] of [
    ["d", 86_400],
    ["h", 3_600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    if (count > 0) text += `${count}${unit}`
  }
  return text
}
