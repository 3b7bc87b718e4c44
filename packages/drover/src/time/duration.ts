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
      `${name}: ${typeof value === "string" ? JSON.stringify(value) : String(value)} is not a duration; write milliseconds as a number or a text such as "250ms", "5m" or "1h30m" (at most 100 years)`,
      { details: { name, value } },
    )
  }
  return ms
}

/**
 * Reads a duration that may be without end: `false`.
 * @throws DroverError `DROVER_CONFIG` as `parseDuration`; for `null` too, which in JavaScript is written for none where
 * types would have forbidden it.
 */
export function parseLimit(value: Duration | false, name: string): number | false {
  if (value === false) return false
  if ((value as unknown) !== null) return parseDuration(value, name)
  throw new DroverError(
    "DROVER_CONFIG",
    `${name}: null is not a duration; write false for no limit, or leave the option out`,
    { details: { name, value } },
  )
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
  // 1.001 x 1000 is a hair below 1001; nobody means less than a microsecond.
  return Math.round(totalMs * 1_000) / 1_000
}

/**
 * Writes milliseconds for people, rounded to what they care about: `"40ms"`, `"2.5s"`, `"1h30m"`. Below a
 * second to milliseconds, below a minute to tenths, above to seconds.
 */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (Math.round(ms) < 1_000) return `${Math.round(ms)}ms`
  if (Math.round(ms / 100) < 600) return `${Math.round(ms / 100) / 10}s`
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
