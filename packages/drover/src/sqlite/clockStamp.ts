import type { Row } from "./statements.ts"

/** What a monotonic clock showed, and what it counts from. */
export interface ClockStamp {
  /** `null` when it was not written, or not with this time. */
  readonly mono: number | null
  readonly origin: string | null
}

/** The latest time that was found in the store. */
export interface PersistedTime {
  readonly storeAt: number
  readonly stamp: ClockStamp
}

/** The time in a row of `read_pulse`. */
export function persistedTime(pulse: Row): PersistedTime {
  const [, storeAt, , , , , mono, origin] = pulse as [
    ...[string, number, number, number, number, number],
    ...[number | null, string | null],
  ]
  return { storeAt, stamp: { mono, origin } }
}

/** The reading of a stamp, if it is one of the clock that counts from `origin`. */
export function readingOf(
  stamp: ClockStamp | undefined,
  origin: string | undefined,
): number | undefined {
  if (origin === undefined || stamp?.origin !== origin) return undefined
  return stamp.mono ?? undefined
}
