import { Cron } from "croner"
import { DroverError } from "../../errors/index.ts"

/** Milliseconds as a wall clock shows them: the wall's fields read as if they were UTC. */
export type WallMs = number

const NICKNAMES: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
}

// Of the six fields, and of the year that may follow them.
const FIELDS = [
  { name: "second", least: 0, most: 59 },
  { name: "minute", least: 0, most: 59 },
  { name: "hour", least: 0, most: 23 },
  { name: "day of the month", least: 1, most: 31 },
  { name: "month", least: 1, most: 12 },
  { name: "day of the week", least: 0, most: 7 },
  { name: "year", least: 1, most: 9_999 },
] as const
const HOUR = 2
const ANY_HOUR = /^(?:\*|\?|\*\/1|0-23|0-23\/1)$/
const MAX_TEXT = 500
// Bounds a search for a date that never comes: a leap day on a given weekday comes at most 40 years apart.
const EARLIEST: WallMs = Date.UTC(1970, 0, 1)

/**
 * A cron expression as a set of wall-clock seconds: five fields from minutes on, six from seconds on, or seven with a
 * year. croner reads it and finds the dates; it works in UTC, where no hour is missing or doubled, so that only
 * `nextInstant` decides what those mean.
 */
export class CronExpression {
  readonly text: string
  /**
   * Whether the expression names hours. One that does not ("every quarter of an hour") follows the time that elapses:
   * it runs in both hours of a doubled one and has nothing to make up for in a missing one.
   */
  readonly namesHours: boolean
  readonly #cron: Cron

  /** @throws DroverError `DROVER_CONFIG` when it cannot be read, or when no date ever matches it. */
  constructor(text: string, where: string) {
    const { fields, plain } = readFields(text, where)
    this.text = text
    this.namesHours = !ANY_HOUR.test(fields[HOUR] ?? "")
    try {
      this.#cron = new Cron(plain, { utcOffset: 0, paused: true })
    } catch (error) {
      throw unreadable(where, text, (error as Error).message.replace(/^CronPattern: /, ""), error)
    }
    if (this.nextWall(EARLIEST) === null) {
      throw unreadable(where, text, "no date matches it, so it would never run")
    }
  }

  /** The first wall time after `after` that matches, or `null` when there is none any more. */
  nextWall(after: WallMs): WallMs | null {
    return this.#cron.nextRun(new Date(after))?.getTime() ?? null
  }
}

// Seconds first, whatever the caller left out.
function readFields(
  text: string,
  where: string,
): { readonly fields: readonly string[]; readonly plain: string } {
  if (typeof text !== "string" || text.length > MAX_TEXT) {
    throw unreadable(where, "", `must be a text of at most ${MAX_TEXT} characters`)
  }
  const trimmed = text.trim()
  const plain = trimmed.startsWith("@") ? NICKNAMES[trimmed.toLowerCase()] : trimmed
  if (plain === undefined) {
    throw unreadable(where, text, `known names are ${Object.keys(NICKNAMES).join(", ")}`)
  }
  const given = plain.split(/\s+/)
  if (given.length < 5 || given.length > 7) {
    const problem = `it has ${given.length} fields; write five (minute hour day month weekday), six with seconds first, or seven with a year last`
    throw unreadable(where, text, problem)
  }
  const fields = given.length === 5 ? ["0", ...given] : given
  for (const [index, field] of fields.entries()) checkNumbers(index, field, where, text)
  return { fields, plain }
}

// croner counts days and months from 0 in its messages.
function checkNumbers(index: number, field: string, where: string, text: string): void {
  const { name, least, most } = FIELDS[index] as (typeof FIELDS)[number]
  for (const part of field.split(",")) {
    for (const [number] of (part.split(/[/#]/)[0] ?? "").matchAll(/\d+/g)) {
      const value = Number(number)
      if (value >= least && value <= most) continue
      throw unreadable(where, text, `${number} is no ${name}; they go from ${least} to ${most}`)
    }
  }
}

function unreadable(where: string, text: string, problem: string, cause?: unknown): DroverError {
  return new DroverError(
    "DROVER_CONFIG",
    `${where}: ${text === "" ? "" : `${JSON.stringify(text.slice(0, 100))}: `}${problem}`,
    { details: { where, cron: text }, ...(cause !== undefined && { cause }) },
  )
}
