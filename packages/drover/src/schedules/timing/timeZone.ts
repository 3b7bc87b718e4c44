import { DroverError, nearest } from "../../errors/index.ts"

const HOUR_MS = 3_600_000
// Two changes of one zone are never closer together than this: the nearest ones since 1970 are two days apart.
const GRID_MS = 12 * HOUR_MS
const MEMORY = 512
const known = new Map<string, TimeZone>()

/** A stretch of time in which a zone's clocks have one offset. Its end is the instant at which they change. */
export interface Stretch {
  readonly fromMs: number
  readonly untilMs: number
  readonly offsetMs: number
}

/**
 * The offsets of a zone's clocks from UTC, asked of the platform (`Intl`) and remembered in a small window, so that
 * new rules arrive with a new Node.js or a new process and never need a table of ours.
 */
export class TimeZone {
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  readonly #offsets: Map<number, number> = new Map()

  private constructor(name: string, format: Intl.DateTimeFormat) {
    this.name = name
    this.#format = format
  }

  /** @throws DroverError `DROVER_CONFIG` for a name that the platform does not know. */
  static named(name: string, where: string): TimeZone {
    const zone = known.get(name)
    if (zone !== undefined) return zone
    const made = new TimeZone(name, formatOf(name, where))
    known.set(name, made)
    return made
  }

  /** How far the zone's clocks are ahead of UTC at an instant. */
  offsetAt(atMs: number): number {
    const onGrid = atMs % GRID_MS === 0
    const remembered = onGrid ? this.#offsets.get(atMs) : undefined
    if (remembered !== undefined) return remembered
    const offsetMs = readOffset(this.#format.format(atMs))
    if (onGrid) {
      if (this.#offsets.size >= MEMORY) this.#offsets.clear()
      this.#offsets.set(atMs, offsetMs)
    }
    return offsetMs
  }

  /** The stretches that cover the time from one instant to another, in order and without a gap. */
  stretches(fromMs: number, untilMs: number): readonly Stretch[] {
    const stretches: Stretch[] = []
    const last = Math.ceil(untilMs / GRID_MS) * GRID_MS
    let startMs = Math.floor(fromMs / GRID_MS) * GRID_MS
    let offsetMs = this.offsetAt(startMs)
    for (let at = startMs; at < last; at += GRID_MS) {
      const next = this.offsetAt(at + GRID_MS)
      if (next === offsetMs) continue
      const changeMs = this.#change(at, at + GRID_MS, offsetMs)
      stretches.push({ fromMs: startMs, untilMs: changeMs, offsetMs })
      startMs = changeMs
      offsetMs = next
    }
    stretches.push({ fromMs: startMs, untilMs: last, offsetMs })
    return stretches
  }

  // The first second of the new offset, by halving.
  #change(before: number, after: number, offsetMs: number): number {
    let low = before
    let high = after
    while (high - low > 1_000) {
      const middle = Math.floor((low + high) / 2_000) * 1_000
      if (this.offsetAt(middle) === offsetMs) low = middle
      else high = middle
    }
    return high
  }
}

function formatOf(name: unknown, where: string): Intl.DateTimeFormat {
  try {
    if (typeof name !== "string") throw new RangeError("not a text")
    // The shortest text that has the offset in it, because reading it is most of the cost.
    return new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" })
  } catch (cause) {
    const suggestion = nearest(String(name), Intl.supportedValuesOf("timeZone"))
    const hint = suggestion === undefined ? "" : `; did you mean "${suggestion}"?`
    throw new DroverError(
      "DROVER_CONFIG",
      `${where}: ${JSON.stringify(String(name).slice(0, 100))} is not a time zone such as "Europe/Paris" or "UTC"${hint}`,
      { details: { where, timeZone: name }, cause },
    )
  }
}

// "10/25/2026, GMT+02:00"; UTC itself is "GMT".
function readOffset(text: string): number {
  const at = text.lastIndexOf("GMT")
  if (at + 3 === text.length) return 0
  const [hours = 0, minutes = 0, seconds = 0] = text
    .slice(at + 4)
    .split(":")
    .map(Number)
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1_000
  return text[at + 3] === "+" ? ms : -ms
}
