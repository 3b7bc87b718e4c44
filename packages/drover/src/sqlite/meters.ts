import { assert } from "../errors/index.ts"
import type { ActiveLimit } from "./limits.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

/** What a limit still allows under one key, in one transaction. */
export interface Meter {
  readonly limit: ActiveLimit
  /** Empty for a limit over all. */
  readonly key: string
  /** How many may start now. */
  readonly room: number
  /** When a window without room has some; `null` when no instant brings it. */
  readonly freeAt: number | null
}

/** Reads what a limit allows, without writing: for those who only look. */
export function readMeter(tx: ReadTx, limit: ActiveLimit, key: string): Meter {
  const max = maxOf(limit)
  if (limit.type === "concurrency") {
    const used = tx.statements.first("live_uses", limit.id, key)?.[0] as number
    return { limit, key, room: Math.max(0, max - used), freeAt: null }
  }
  const window = readWindow(tx, limit, key)
  const room = Math.max(0, max - window.used)
  return { limit, key, room, freeAt: room > 0 ? null : freeAt(tx, limit, key, window.total) }
}

function maxOf(limit: ActiveLimit): number {
  const { max } = limit.setting
  assert(max !== null, `${limit.name} has a number`)
  return max
}

function lengthOf(limit: ActiveLimit): number {
  const { perMs } = limit.setting
  assert(perMs !== null, `${limit.name} has a window`)
  return perMs
}

/** Starts in the window that ends now, and the sum of all starts so far. */
function readWindow(
  tx: ReadTx,
  limit: ActiveLimit,
  key: string,
): { readonly used: number; readonly total: number } {
  const last = tx.statements.first("last_start", limit.id, key)
  const total = (last?.[1] as number | undefined) ?? 0
  const first = tx.statements.first("window_start", limit.id, key, tx.now - lengthOf(limit))
  if (first === undefined) return { used: 0, total }
  const [, starts, upTo] = first as readonly [number, number, number]
  return { used: total - upTo + starts, total }
}

/** When so many starts have left the window that one more fits. */
function freeAt(tx: ReadTx, limit: ActiveLimit, key: string, total: number): number | null {
  const max = maxOf(limit)
  if (max === 0) return null
  const perMs = lengthOf(limit)
  const row = tx.statements.first("start_reaching", limit.id, key, tx.now - perMs, total - max + 1)
  // No row: those of this very claim fill the window by themselves.
  return ((row?.[0] as number | undefined) ?? tx.now) + perMs
}

class ClaimMeter implements Meter {
  readonly limit: ActiveLimit
  readonly key: string
  readonly #tx: WriteTx
  readonly #total: number
  readonly #before: number
  #taken = 0

  constructor(tx: WriteTx, limit: ActiveLimit, key: string) {
    this.#tx = tx
    this.limit = limit
    this.key = key
    if (limit.type === "concurrency") {
      tx.statements.run("stale_uses", limit.id, key)
      this.#before = tx.statements.first("count_uses", limit.id, key)?.[0] as number
      this.#total = 0
    } else {
      const { used, total } = readWindow(tx, limit, key)
      this.#before = used
      this.#total = total
    }
  }

  get room(): number {
    return Math.max(0, maxOf(this.limit) - this.#before - this.#taken)
  }

  get freeAt(): number | null {
    if (this.limit.type !== "rate") return null
    return freeAt(this.#tx, this.limit, this.key, this.#total + this.#taken)
  }

  take(seq: number, attempt: number): void {
    assert(this.room > 0, `${this.limit.name} is never passed`)
    this.#taken += 1
    if (this.limit.type === "concurrency") {
      this.#tx.statements.run("add_use", this.limit.id, this.key, seq, attempt)
    }
  }

  /** Writes the starts under a rate. */
  write(): void {
    if (this.limit.type !== "rate" || this.#taken === 0) return
    const { statements, now } = this.#tx
    const { id } = this.limit
    const total = this.#total + this.#taken
    statements.run("add_start", id, this.key, now, this.#taken, total)
    statements.run("past_starts", id, this.key, now - lengthOf(this.limit))
  }
}

/** The meters of one claim. Each limit and key is counted once and then kept up by what the claim takes. */
export class Meters {
  readonly #tx: WriteTx
  readonly #byLimit: Map<number, Map<string, ClaimMeter>> = new Map()

  constructor(tx: WriteTx) {
    this.#tx = tx
  }

  of(limit: ActiveLimit, key: string): ClaimMeter {
    let byKey = this.#byLimit.get(limit.id)
    if (byKey === undefined) {
      byKey = new Map()
      this.#byLimit.set(limit.id, byKey)
    }
    let meter = byKey.get(key)
    if (meter === undefined) {
      meter = new ClaimMeter(this.#tx, limit, key)
      byKey.set(key, meter)
    }
    return meter
  }

  /** Writes what was taken. After it the meters must not be used. */
  write(): void {
    for (const byKey of this.#byLimit.values()) for (const meter of byKey.values()) meter.write()
  }
}

export type { ClaimMeter }
