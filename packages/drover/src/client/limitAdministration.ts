import { checkOptions, DroverError, nearest } from "../errors/index.ts"
import { checkLimitSetting } from "../jobs/define/limitOptions.ts"
import type { OwnLimit } from "../jobs/define/limitOptions.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { limitName, parseLimitName } from "../store/index.ts"
import type { LimitDeclaration, LimitId, LimitRow, LimitSetting } from "../store/index.ts"
import type { Duration } from "../time/index.ts"

/** A limit, what it says, and what is going on under it. */
export interface LimitView extends Omit<LimitRow, "setAt"> {
  readonly setAt: Date | null
}

/** What an operator sets. */
export interface LimitChange {
  /** The most jobs at once, or starts in a window; 0 starts none. */
  readonly limit?: number
  /** Length of the window of a rate. */
  readonly per?: Duration
  /** Of a fair limit: turns of a key for one of the others. */
  readonly weights?: Readonly<Record<string, number>>
}

const CHANGE: readonly (keyof LimitChange)[] = ["limit", "per", "weights"]

/** The limit that a name means. @throws DroverError `DROVER_CONFIG` with the form of names. */
export function limitOf(name: unknown): LimitId {
  const limit = typeof name === "string" ? parseLimitName(name) : undefined
  if (limit !== undefined) return limit
  throw new DroverError(
    "DROVER_CONFIG",
    `limit: ${JSON.stringify(name)} names no limit; names look like "kind:resize#concurrency", "queue:mail#rate" or, ` +
      'with a key, "kind:resize#concurrency.key"',
    { details: { name } },
  )
}

/**
 * Reads a change of a limit.
 * @param stored what holds now: a rate keeps its window unless told otherwise.
 * @throws DroverError `DROVER_CONFIG`.
 */
export function settingOf(
  limit: LimitId,
  change: LimitChange,
  stored: LimitSetting | null,
): LimitSetting {
  const name = limitName(limit)
  checkOptions(change, CHANGE, `setLimit ${name}`)
  const per = change.per ?? (limit.type === "rate" ? (stored?.perMs ?? undefined) : undefined)
  return checkLimitSetting(limit.type, { ...change, per }, name)
}

/**
 * A keyed limit holds for jobs that carry its key, so one that no code declares would hold for none.
 * @throws DroverError `DROVER_CONFIG` with a suggestion.
 */
export function requireDeclared(limit: LimitId, known: readonly string[]): void {
  const name = limitName(limit)
  if (limit.by === null || known.includes(name)) return
  const suggestion = nearest(name, known)
  const hint = suggestion === undefined ? "" : ` Did you mean "${suggestion}"?`
  throw new DroverError(
    "DROVER_CONFIG",
    `setLimit: no code declares "${name}", so no job carries its key.${hint}`,
    { details: { name } },
  )
}

/** What the code of a client declares. */
export function declarationOf(
  definitions: ReadonlyMap<string, JobDefinition>,
  queueLimits: ReadonlyMap<string, readonly OwnLimit[]>,
  generation: number,
): LimitDeclaration {
  const own = [
    ...[...definitions.values()].flatMap(({ limits }) => limits),
    ...[...queueLimits.values()].flat(),
  ]
  const limits = own.map(({ scope, target, type, by, max, perMs, weights }) => {
    return { scope, target, type, by, max, perMs, weights }
  })
  const [kinds, queues] = [[...definitions.keys()], [...queueLimits.keys()]]
  return { generation, limits, kinds, queues }
}
