import { assert } from "../errors/index.ts"
import type { Statements } from "./statements.ts"

/** A pair of queue and kind. */
export interface Lane {
  readonly id: number
  readonly queue: string
  readonly kind: string
}

// To ask for so many one by one costs less than to read what else there is in their queue.
const FEW_UNKNOWN = 4

/**
 * What this process knows of `drover_lane`. Lanes are never deleted, so what was read once stays true, but a
 * lane that was made in a transaction is true only when that commits: a rollback must `forget`.
 */
export class Lanes {
  readonly #byName: Map<string, Map<string, Lane>> = new Map()
  readonly #byId: Map<number, Lane> = new Map()

  /** The lane, if any job was ever enqueued into it. */
  find(statements: Statements, queue: string, kind: string): Lane | undefined {
    const known = this.#byName.get(queue)?.get(kind)
    if (known !== undefined) return known
    const row = statements.first("find_lane", queue, kind)
    return row === undefined ? undefined : this.#remember({ id: row[0] as number, queue, kind })
  }

  /** The lanes of these kinds that exist. Those that never had a job cost one look-up, or one statement for all of them. */
  ids(statements: Statements, queue: string, kinds: readonly string[]): number[] {
    const known = this.#idsKnown(queue, kinds)
    const unknown = kinds.length - known.length
    if (unknown === 0) return known
    if (unknown <= FEW_UNKNOWN) {
      for (const kind of kinds) this.find(statements, queue, kind)
    } else {
      for (const [id, kind] of statements.all("lanes_of_queue", queue)) {
        if (this.#byName.get(queue)?.has(kind as string) === true) continue
        this.#remember({ id: id as number, queue, kind: kind as string })
      }
    }
    return this.#idsKnown(queue, kinds)
  }

  /** The lane, made if it is not there. Needs the write lock. */
  make(statements: Statements, queue: string, kind: string): Lane {
    const found = this.find(statements, queue, kind)
    if (found !== undefined) return found
    const row = statements.first("add_lane", queue, kind)
    assert(row !== undefined, "insert returning gives a row")
    return this.#remember({ id: row[0] as number, queue, kind })
  }

  /** The lane of a job's row. */
  byId(statements: Statements, id: number): Lane {
    const known = this.#byId.get(id)
    if (known !== undefined) return known
    const row = statements.first("lane_by_id", id)
    assert(row !== undefined, `lane ${id} exists`)
    return this.#remember({ id, queue: row[0] as string, kind: row[1] as string })
  }

  /** Forgets everything: a transaction that may have made lanes was rolled back. */
  forget(): void {
    this.#byName.clear()
    this.#byId.clear()
  }

  #idsKnown(queue: string, kinds: readonly string[]): number[] {
    const byKind = this.#byName.get(queue)
    if (byKind === undefined) return []
    return kinds.flatMap((kind) => byKind.get(kind)?.id ?? [])
  }

  #remember(lane: Lane): Lane {
    let kinds = this.#byName.get(lane.queue)
    if (kinds === undefined) {
      kinds = new Map()
      this.#byName.set(lane.queue, kinds)
    }
    kinds.set(lane.kind, lane)
    this.#byId.set(lane.id, lane)
    return lane
  }
}
