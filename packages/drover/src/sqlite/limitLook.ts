import { Limits } from "./limits.ts"
import type { ActiveLimit } from "./limits.ts"
import { readMeter } from "./meters.ts"
import type { ReadTx } from "./writeTx.ts"

/** What limits say of the lanes of one queue, to somebody who only looks. */
export interface LimitLook {
  /** Lanes whose limits over all have room now. */
  readonly open: readonly number[]
  /** A job of an open track waits; it may have gone or be without room since, which the next claim finds. */
  readonly ordinary: boolean
  readonly solo: boolean
  /** When a window has room for something that waits; `null` for none. */
  readonly freeAt: number | null
}

/** What a process that only reads knows of limits. Read anew each time: it may see what is rolled back later. */
export function readLimits(tx: ReadTx): Limits {
  const limits = new Limits()
  limits.refresh(tx.statements, 0)
  return limits
}

/** Looks at the limits of some lanes of a queue. Nothing is read where there are neither limits nor keys. */
export function lookAtLimits(
  tx: ReadTx,
  limits: Limits,
  queue: string,
  lanes: readonly number[],
): LimitLook {
  if (limits.isEmpty) return { open: lanes, ordinary: false, solo: false, freeAt: null }
  const gates = new Gates(tx)
  const open: number[] = []
  const look = { ordinary: false, solo: false }
  const times: number[] = []
  for (const lane of lanes) {
    const { kind } = tx.lanes.byId(tx.statements, lane)
    const wide = [...limits.wide("queue", queue), ...limits.wide("kind", kind)]
    const freeAt = gates.freeAt(wide)
    if (freeAt === "now") open.push(lane)
    else if (freeAt !== null && waits(tx, lane)) times.push(freeAt)
    if (freeAt !== "now" || !limits.isKeyed(lane)) continue
    const row = tx.statements.first("track_outlook", lane) as readonly [
      number,
      number,
      number | null,
    ]
    const [waitsHere, waitsAlone, windowAt] = row
    look.ordinary ||= waitsHere === 1 || (windowAt !== null && windowAt <= tx.now)
    look.solo ||= waitsAlone === 1
    if (windowAt !== null && windowAt > tx.now) times.push(windowAt)
  }
  return { open, ...look, freeAt: times.length === 0 ? null : Math.min(...times) }
}

/** Whether something that is due waits in a lane whose window has no room. */
function waits(tx: ReadTx, lane: number): boolean {
  return tx.statements.first("lane_waits", lane, lane, tx.now) !== undefined
}

/** Reads each limit once. */
class Gates {
  readonly #tx: ReadTx
  readonly #known: Map<number, number | "now" | null> = new Map()

  constructor(tx: ReadTx) {
    this.#tx = tx
  }

  /** "now" if all have room; else when time alone brings room, `null` when a job must end before. */
  freeAt(wide: readonly ActiveLimit[]): number | "now" | null {
    let latest: number | "now" = "now"
    for (const limit of wide) {
      const at = this.#read(limit)
      if (at === null) return null
      if (at !== "now" && (latest === "now" || at > latest)) latest = at
    }
    return latest
  }

  #read(limit: ActiveLimit): number | "now" | null {
    let at = this.#known.get(limit.id)
    if (at === undefined) {
      const meter = readMeter(this.#tx, limit, "")
      at = meter.room > 0 ? "now" : meter.freeAt
      this.#known.set(limit.id, at)
    }
    return at
  }
}
