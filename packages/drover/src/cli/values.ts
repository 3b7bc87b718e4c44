import { parseDuration } from "../time/index.ts"
import { UsageError } from "./command.ts"
import type { OptionValues } from "./command.ts"

/** The text of an option, or `undefined`. */
export function text(values: OptionValues, name: string): string | undefined {
  const value = values[name]
  return typeof value === "string" ? value : undefined
}

/** The texts of an option that may be repeated or hold several values between commas. */
export function texts(values: OptionValues, name: string): readonly string[] | undefined {
  const value = values[name]
  if (value === undefined) return undefined
  const list = Array.isArray(value) ? value : [value]
  return list.flatMap((entry) => String(entry).split(",")).filter((entry) => entry !== "")
}

/** A whole number of an option. @throws UsageError when it is not one of at least `least`. */
export function whole(values: OptionValues, name: string, least = 0): number | undefined {
  const value = text(values, name)
  return value === undefined ? undefined : wholeOf(value, `--${name}`, least)
}

/** Reads a whole number. @throws UsageError when it is not one of at least `least`. */
export function wholeOf(value: string, what: string, least: number): number {
  const number = Number(value)
  if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least) return number
  throw new UsageError(`${what}: "${value}" is not a whole number of at least ${least}`)
}

/** A length of time of an option, as it was written. @throws UsageError when it is none. */
export function duration(values: OptionValues, name: string): string | undefined {
  const value = text(values, name)
  return value === undefined ? undefined : durationOf(value, `--${name}`)
}

/** Checks a length of time. @throws UsageError when it is none. */
export function durationOf(value: string, what: string): string {
  try {
    parseDuration(value, what)
    return value
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** An instant of an option, as ISO 8601. @throws UsageError when it is not one. */
export function instant(values: OptionValues, name: string): Date | undefined {
  const value = text(values, name)
  if (value === undefined) return undefined
  // Date reads nearly anything: "5" is the first of May 2001.
  const at = new Date(/^\d{4}-\d{2}-\d{2}(T|$)/.test(value) ? value : Number.NaN)
  if (Number.isNaN(at.getTime())) {
    throw new UsageError(`--${name}: "${value}" is not a time; write it like 2026-11-20T09:00:00Z`)
  }
  return at
}

/** JSON of an option or argument. @throws UsageError when it is not JSON. */
export function json(value: string, what: string): unknown {
  try {
    return JSON.parse(value) as unknown
  } catch (error) {
    throw new UsageError(`${what} is not JSON: ${(error as Error).message}`)
  }
}

// Every command has them.
const EVERYWHERE: readonly string[] = ["config", "db", "json", "help"]

/**
 * Refuses options that one form of a command would not look at: whoever gave one would believe that it did something.
 * @param form as the caller wrote it, such as "schedules pause". @throws UsageError.
 */
export function takesOnly(values: OptionValues, form: string, names: readonly string[]): void {
  const unused = Object.keys(values).find(
    (name) => values[name] !== undefined && !names.includes(name) && !EVERYWHERE.includes(name),
  )
  if (unused !== undefined) throw new UsageError(`${form} takes no --${unused}`)
}
