import type { TrailEntry } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import { trailEntryOf } from "./readJob.ts"

/** Rows of the trail hold this many numbers each. */
const ROW = 1_024
const SAMPLES = 64
// A transaction that writes takes some milliseconds; one of a user may take minutes.
const PATIENCE_MS = 500
const LOOK_MS = 5

interface Sample {
  /** The highest row that anybody had drawn then. */
  readonly drawn: number
  /** Who wrote then and has not ended since. */
  writers: ReadonlySet<string>
}

/**
 * Up to which row the trail is complete. Rows are numbered before they are committed, so a row may appear below one that
 * was read already: here is what a reader may rely on. A number is complete when everybody who wrote when it was drawn
 * has ended. A transaction of a user that enqueued and stays open holds everything after it back: late, never skipped.
 */
class TrailHorizon {
  #samples: Sample[] = []
  #complete = 0

  async look(connection: Connection): Promise<number> {
    // In this order: who drew a number before has the lock now, or its rows can be seen.
    const [drawn] = await connection.query("trail_drawn")
    const writers = new Set((await connection.query("trail_writers")).map(([id]) => String(id)))
    for (const sample of this.#samples) sample.writers = sample.writers.intersection(writers)
    this.#samples.push({ drawn: drawn?.[0] as number, writers })
    const last = this.#samples.findLastIndex((sample) => sample.writers.size === 0)
    if (last >= 0) {
      this.#complete = Math.max(this.#complete, this.#samples[last]?.drawn ?? 0)
      this.#samples = this.#samples.slice(last + 1)
    }
    // Any of them may go: the others only say later what it would have said.
    if (this.#samples.length > SAMPLES) this.#samples.splice(1, 1)
    return this.#complete
  }

  /** Whether everything that was drawn when it was last looked at is complete. */
  get isSettled(): boolean {
    return this.#samples.length === 0
  }
}

const horizons: WeakMap<PostgresDatabase, TrailHorizon> = new WeakMap()

/** The transitions of all jobs after a position. See `Store.trailAfter`. */
export async function trailAfter(
  database: PostgresDatabase,
  seq: number | null,
  limit: number,
): Promise<{ readonly entries: readonly TrailEntry[]; readonly seq: number }> {
  const complete = await horizonOf(database)
  if (seq === null) return { entries: [], seq: complete * ROW + ROW - 1 }
  const rows = await database.read("trailAfter", (connection) =>
    connection.query("trail_after", [seq, complete, limit]),
  )
  const entries = rows.map(trailEntryOf)
  return { entries, seq: entries.at(-1)?.seq ?? seq }
}

async function horizonOf(database: PostgresDatabase): Promise<number> {
  let horizon = horizons.get(database)
  if (horizon === undefined) {
    horizon = new TrailHorizon()
    horizons.set(database, horizon)
  }
  const look = (connection: Connection): Promise<number> => horizon.look(connection)
  const { clock } = database
  const untilMono = clock.monotonic() + PATIENCE_MS
  let complete = await database.read("trailAfter", look)
  const first = complete
  // Those who write now are done in a moment; what they wrote is then part of the answer.
  for (
    let looks = 1;
    !horizon.isSettled && complete === first && looks < PATIENCE_MS / LOOK_MS;
    looks++
  ) {
    if (clock.monotonic() >= untilMono) break
    await clock.sleep(LOOK_MS)
    complete = await database.read("trailAfter", look)
  }
  return complete
}
