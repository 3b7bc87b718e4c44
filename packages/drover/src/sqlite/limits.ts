import { limitName } from "../store/index.ts"
import type { LimitScope, LimitSetting, LimitType } from "../store/index.ts"
import type { Row, Statements } from "./statements.ts"

/** A row of drover_limit. */
export interface StoredLimit {
  readonly id: number
  readonly name: string
  readonly scope: LimitScope
  readonly target: string
  readonly type: LimitType
  /** Name of its key, `null` for one limit over all. */
  readonly by: string | null
  readonly declared: LimitSetting | null
  readonly generation: number
  readonly set: LimitSetting | null
  readonly setAt: number | null
  readonly setBy: string | null
  /** What holds now; `null` for nothing. */
  readonly setting: LimitSetting | null
}

/** A limit in force. */
export type ActiveLimit = StoredLimit & { readonly setting: LimitSetting }

/** Reads a row of read_limits. */
export function storedLimit(row: Row): StoredLimit {
  const [id, scope, target, type, by, declared, generation, set, setAt, setBy] = row
  const limit = { scope, target, type, by: by === "" ? null : by } as StoredLimit
  const settings = { declared: readSetting(declared), set: readSetting(set) }
  return {
    ...limit,
    ...settings,
    id: id as number,
    name: limitName(limit),
    generation: generation as number,
    setAt: setAt as number | null,
    setBy: setBy as string | null,
    setting: settings.set ?? settings.declared,
  }
}

function readSetting(text: unknown): LimitSetting | null {
  return text === null ? null : (JSON.parse(text as string) as LimitSetting)
}

const none: readonly ActiveLimit[] = []

/**
 * What this process remembers of limits and of the lanes with keys, true for one generation of the configuration.
 * Every change of them counts the generation up in the same transaction.
 */
export class Limits {
  #generation = -1
  readonly #byName: Map<string, ActiveLimit> = new Map()
  // Limits without a key, and those of fair sharing, by "queue:name" or "kind:name".
  readonly #wide: Map<string, ActiveLimit[]> = new Map()
  readonly #fair: Map<string, ActiveLimit> = new Map()
  readonly #keyedLanes: Set<number> = new Set()

  /** Makes it true for a generation. */
  refresh(statements: Statements, generation: number): void {
    if (generation === this.#generation) return
    this.forget()
    for (const row of statements.all("read_limits")) this.#add(storedLimit(row))
    for (const [lane] of statements.all("read_keyed_lanes")) this.#keyedLanes.add(lane as number)
    this.#generation = generation
  }

  /** Forgets everything: a transaction that may have changed something was rolled back. */
  forget(): void {
    this.#generation = -1
    this.#byName.clear()
    this.#wide.clear()
    this.#fair.clear()
    this.#keyedLanes.clear()
  }

  /** Whether there is nothing to look at: no limit is in force and no job ever had a key. */
  get isEmpty(): boolean {
    return this.#byName.size === 0 && this.#keyedLanes.size === 0
  }

  /** Limits in force over all jobs of a queue or a kind. */
  wide(scope: LimitScope, target: string): readonly ActiveLimit[] {
    return this.#wide.get(`${scope}:${target}`) ?? none
  }

  /** The limit in force by which the keys of a queue or a kind take turns. */
  fair(scope: LimitScope, target: string): ActiveLimit | undefined {
    return this.#fair.get(`${scope}:${target}`)
  }

  /** The limit in force of this name. */
  named(name: string): ActiveLimit | undefined {
    return this.#byName.get(name)
  }

  /** Whether there ever was a job with keys in the lane. */
  isKeyed(lane: number): boolean {
    return this.#keyedLanes.has(lane)
  }

  #add(limit: StoredLimit): void {
    const { setting, scope, target, type, by } = limit
    if (setting === null) return
    const active = { ...limit, setting }
    this.#byName.set(limit.name, active)
    const owner = `${scope}:${target}`
    if (type === "fair") this.#fair.set(owner, active)
    else if (by === null) this.#wide.set(owner, [...(this.#wide.get(owner) ?? []), active])
  }
}
