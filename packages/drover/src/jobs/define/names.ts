import { DroverError, show } from "../../errors/index.ts"

/** The queue of jobs that name none. */
export const defaultQueue = "default"

/** The priority of jobs that name none; 0 runs first, 1000 last. */
export const defaultPriority = 100

const MAX_TAGS = 20
const NAME = /^[\w][\w.:/-]{0,99}$/
const TAG = /^[\p{L}\p{N}_][\p{L}\p{N}_.:/@=+-]{0,99}$/u

/**
 * Checks the name of a kind or a queue: 1 to 100 letters, digits and `_ . : / -`, the first one a letter, a digit or `_`.
 * @throws DroverError `DROVER_CONFIG`.
 */
export function checkName(value: unknown, what: "kind" | "queue" | "service"): string {
  if (typeof value === "string" && NAME.test(value)) return value
  throw new DroverError(
    "DROVER_CONFIG",
    `${what}: ${show(value)} is not a name; use 1 to 100 letters, digits and "_ . : / -", beginning with a letter or a digit`,
    { details: { what } },
  )
}

/** Checks a priority. @throws DroverError `DROVER_CONFIG`. */
export function checkPriority(value: unknown, where: string): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 1_000) {
    return value as number
  }
  throw new DroverError(
    "DROVER_CONFIG",
    `${where}: ${show(value)} is not a priority; use a whole number from 0 (first) to 1000 (last)`,
    { details: { where } },
  )
}

/** Checks tags and drops repeated ones; at most 20, each 1 to 100 letters, digits and `_ . : / @ = + -`. @throws DroverError `DROVER_CONFIG`. */
export function checkTags(value: unknown, where: string): readonly string[] {
  if (!Array.isArray(value)) throw tagError(where, value, "is not a list of tags")
  for (const tag of value as unknown[]) {
    if (typeof tag !== "string" || !TAG.test(tag)) {
      throw tagError(where, tag, 'is not a tag; use 1 to 100 letters, digits and "_ . : / @ = + -"')
    }
  }
  const tags = [...new Set(value as string[])]
  if (tags.length > MAX_TAGS)
    throw tagError(where, tags.length, `tags are too many; at most ${MAX_TAGS}`)
  return tags
}

/** Checks a whole number of at least 1. @throws DroverError `DROVER_CONFIG`. */
export function checkCount(value: unknown, where: string): number {
  if (Number.isSafeInteger(value) && (value as number) >= 1) return value as number
  throw new DroverError(
    "DROVER_CONFIG",
    `${where}: ${show(value)} is not a whole number of at least 1`,
    {
      details: { where },
    },
  )
}

function tagError(where: string, value: unknown, problem: string): DroverError {
  return new DroverError("DROVER_CONFIG", `${where}: ${show(value)} ${problem}`, {
    details: { where },
  })
}
