import { assert } from "../errors/index.ts"
import type { Statements } from "./statements.ts"

/** A pair of queue and kind. */
export interface Lane {
  readonly id: number
  readonly queue: string
  readonly kind: string
}

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
