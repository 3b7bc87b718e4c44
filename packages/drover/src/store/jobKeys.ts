import type { LimitScope, NewKey } from "./limitStore.ts"

/** A job's keys: pairs of a limit's name and a key, sorted by name, so that equal keys make equal texts. */
export type JobKeys = readonly (readonly [limit: string, key: string])[]

/** The text that stores keep of a job's keys; `null` for a job without keys. */
export function keysText(keys: readonly NewKey[] | undefined): string | null {
  if (keys === undefined || keys.length === 0) return null
  return textOf(keys.map(({ limit, key }) => [limit, key] as const))
}

/** Reads what `keysText` made. */
export function readKeys(text: string): JobKeys {
  return JSON.parse(text) as JobKeys
}

/** The keys of a job without those under limits of one owner, whose job it is no longer. */
export function keysWithout(text: string | null, scope: LimitScope, target: string): string | null {
  if (text === null) return null
  const left = readKeys(text).filter(([limit]) => !limit.startsWith(`${scope}:${target}#`))
  return left.length === 0 ? null : textOf(left)
}

function textOf(keys: JobKeys): string {
  return JSON.stringify(keys.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
