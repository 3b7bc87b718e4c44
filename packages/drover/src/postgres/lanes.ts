import { assert } from "../errors/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import type { Row } from "./values.ts"

/** A pair of queue and kind. */
export interface Lane {
  readonly id: number
  readonly queue: string
  readonly kind: string
}

/** What a lane is named by. */
export type LanePair = readonly [queue: string, kind: string]

/** A queue and the kinds of it that somebody means. */
export interface LaneNames {
  readonly queue: string
  readonly kinds: readonly string[]
}

/** What this process knows of `lane`. Lanes are never deleted, so what was read once stays true. */
export class Lanes {
  readonly #database: PostgresDatabase
  readonly #byName: Map<string, Map<string, Lane>> = new Map()
  readonly #byId: Map<number, Lane> = new Map()
  #isLearning = false

  constructor(database: PostgresDatabase) {
    this.#database = database
  }

  /**
   * The lanes of each of these names that exist. Where some never had a job, one statement asks whether a lane was made
   * since: it carries each queue and how many lanes of it are known, because the pairs that do not exist may be many more.
   */
  async find(names: readonly LaneNames[]): Promise<readonly (readonly number[])[]> {
    const known = names.map((each) => this.#known(each))
    const open = new Set<string>()
    for (const [index, { queue, kinds }] of names.entries())
      if ((known[index] as readonly number[]).length < kinds.length) open.add(queue)
    if (open.size === 0) return known
    const counts = [...open].map((queue) => this.#byName.get(queue)?.size ?? 0)
    const values = [[...open], counts]
    const read = { reads: true }
    const rows = await this.#database.statement("lanes", "lanes_of_queues", values, read)
    if (rows.length === 0) return known
    for (const row of rows) this.#remember(row)
    return names.map((each) => this.#known(each))
  }

  /** The lane of this queue and kind, made if it is not there. */
  async make(queue: string, kind: string): Promise<number> {
    const known = this.#byName.get(queue)?.get(kind)
    if (known !== undefined) return known.id
    await this.makeAll([[queue, kind]])
    const lane = this.#byName.get(queue)?.get(kind)
    assert(lane !== undefined, "a lane that was made is there")
    return lane.id
  }

  /** Those of these pairs that this process has not met. */
  unknownOf(pairs: Iterable<LanePair>): readonly LanePair[] {
    return [...pairs].filter(([queue, kind]) => !this.#knows(queue, kind))
  }

  /** Meets lanes that are there, when there is a connection for it. Until then each who needs them finds out again. */
  learnLater(pairs: readonly LanePair[]): void {
    if (this.#isLearning) return
    this.#isLearning = true
    void this.#read(pairs)
      .catch(() => {})
      .finally(() => {
        this.#isLearning = false
      })
  }

  /**
   * Makes the lanes that are not there, in a transaction of its own: one that a user's transaction makes would hold
   * up everybody else who enqueues the first job of this kind.
   */
  async makeAll(pairs: Iterable<LanePair>): Promise<void> {
    const unknown = this.unknownOf(pairs)
    if (unknown.length === 0) return
    await this.#read(unknown)
    const missing = this.unknownOf(unknown)
    if (missing.length === 0) return
    const values = [missing.map(([queue]) => queue), missing.map(([, kind]) => kind)]
    await this.#database.statement("enqueue", "make_lanes", values, { repeatable: true })
    await this.#read(missing)
  }

  /** The lane of this queue and kind, if this process has met it. */
  idOf(queue: string, kind: string): number | undefined {
    return this.#byName.get(queue)?.get(kind)?.id
  }

  /**
   * The lanes with these ids.
   * @param db the connection of whoever has one already, and must not wait for another.
   */
  async byId(ids: Iterable<number>, db?: Connection): Promise<ReadonlyMap<number, Lane>> {
    const unknown = [...new Set(ids)].filter((id) => !this.#byId.has(id))
    if (unknown.length > 0) {
      const rows =
        db === undefined
          ? await this.#database.statement("lanes", "lanes_by_id", [unknown], { reads: true })
          : await db.query("lanes_by_id", [unknown])
      for (const row of rows) this.#remember(row)
    }
    return this.#byId
  }

  #knows(queue: string, kind: string): boolean {
    return this.idOf(queue, kind) !== undefined
  }

  #known({ queue, kinds }: LaneNames): number[] {
    const byKind = this.#byName.get(queue)
    const ids: number[] = []
    if (byKind === undefined) return ids
    for (const kind of kinds) {
      const lane = byKind.get(kind)
      if (lane !== undefined) ids.push(lane.id)
    }
    return ids
  }

  async #read(pairs: readonly LanePair[]): Promise<void> {
    const values = [pairs.map(([queue]) => queue), pairs.map(([, kind]) => kind)]
    const read = { reads: true }
    const rows = await this.#database.statement("lanes", "find_lanes", values, read)
    for (const row of rows) this.#remember(row)
  }

  #remember(row: Row): void {
    const [queue, kind, id] = row as unknown as readonly [string, string, number]
    const lane = { id, queue, kind }
    let kinds = this.#byName.get(queue)
    if (kinds === undefined) {
      kinds = new Map()
      this.#byName.set(queue, kinds)
    }
    kinds.set(kind, lane)
    this.#byId.set(id, lane)
  }
}
