import type { DatabaseSync, StatementSync } from "node:sqlite"
import { isFinal, jobStates, limitName, readKeys } from "../../packages/drover/src/store/index.ts"
import type { JobState, LimitId } from "../../packages/drover/src/store/index.ts"
import type { Referee } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"

type Row = Readonly<Record<string, string | number | Uint8Array | null>>

/**
 * Reads what was really committed: triggers on the connection note which rows were touched, and when an
 * event has come to rest the rows and the new trail are read and compared with what was known before. It
 * does not go through the store, which is what is being checked.
 */
export class Ledger {
  readonly #db: DatabaseSync
  readonly #referee: Referee
  readonly #touched: Set<number> = new Set()
  readonly #jobs: Map<number, JobRecord> = new Map()
  readonly #seqById: Map<string, number> = new Map()
  readonly #readRow: StatementSync
  readonly #readTrail: StatementSync
  readonly #readTime: StatementSync
  readonly #readMarks: StatementSync
  #trailSeq = 0
  #unfinished = 0
  readonly #onMove: (move: Move, id: string) => void

  constructor(db: DatabaseSync, referee: Referee, onMove: (move: Move, id: string) => void) {
    this.#db = db
    this.#referee = referee
    this.#onMove = onMove
    db.function("sim_touched", (seq) => {
      this.#touched.add(Number(seq))
      return null
    })
    for (const [event, row] of [
      ["insert", "new"],
      ["update", "new"],
      ["delete", "old"],
    ]) {
      db.exec(
        `create temp trigger sim_job_${event} after ${event} on main.drover_job begin select sim_touched(${row}.seq); end`,
      )
    }
    this.#readRow = db.prepare(
      `select j.*, l.kind, l.queue from drover_job j join drover_lane l on l.id = j.lane where j.seq = ?`,
    )
    this.#readTrail = db.prepare(`select * from drover_trail where seq > ? order by seq`)
    this.#readTime = db.prepare(`select store_at from drover_pulse`)
    this.#readMarks = db.prepare(
      `select distinct l.scope, l.target, l.type, l.by, t.blocked_key from drover_track t ` +
        `join drover_limit l on l.id = t.blocked_limit where t.blocked_until is null`,
    )
  }

  /** All jobs that are there now. */
  get jobs(): IterableIterator<JobRecord> {
    return this.#jobs.values()
  }

  /** How many jobs wait or run. */
  get unfinished(): number {
    return this.#unfinished
  }

  get(id: string): JobRecord | undefined {
    const seq = this.#seqById.get(id)
    return seq === undefined ? undefined : this.#jobs.get(seq)
  }

  /** The latest store time that was persisted. */
  storeAt(): number {
    return Number(this.#readTime.get()?.["store_at"])
  }

  /** The keys for which jobs stand aside until somebody frees them; `undefined` while a transaction is open. */
  marks(): readonly { readonly limit: string; readonly key: string }[] | undefined {
    if (this.#db.isTransaction) return undefined
    return (this.#readMarks.all() as Row[]).map((row) => ({
      limit: limitName({ ...row, by: row["by"] === "" ? null : row["by"] } as unknown as LimitId),
      key: String(row["blocked_key"]),
    }))
  }

  /** Shows the referee what was committed since the last look. */
  look(): void {
    // An open transaction of a user's: what it did is not there yet.
    if (this.#touched.size === 0 || this.#db.isTransaction) return
    this.#show()
  }

  #show(): void {
    const moves = (this.#readTrail.all(this.#trailSeq) as Row[]).map(toMove)
    this.#trailSeq = moves.at(-1)?.seq ?? this.#trailSeq
    const touched = [...this.#touched].toSorted((a, b) => a - b)
    this.#touched.clear()
    const after = new Map<number, JobRecord | undefined>()
    for (const seq of touched) {
      const row = this.#readRow.get(seq) as Row | undefined
      after.set(seq, row === undefined ? undefined : toRecord(row))
    }
    this.#showMoves(moves, after)
    for (const seq of touched) {
      this.#showRow(
        seq,
        after.get(seq),
        moves.filter(({ job }) => job === seq),
      )
    }
  }

  #showMoves(moves: readonly Move[], after: ReadonlyMap<number, JobRecord | undefined>): void {
    for (const move of moves) {
      const before = this.#jobs.get(move.job) ?? null
      const now = after.get(move.job) ?? null
      this.#onMove(move, (now ?? before)?.id ?? `#${move.job}`)
      this.#referee.moved(move, before, now)
    }
  }

  #showRow(seq: number, after: JobRecord | undefined, moves: readonly Move[]): void {
    const before = this.#jobs.get(seq)
    if (before !== undefined && !isFinal(before.state)) this.#unfinished--
    if (after !== undefined && !isFinal(after.state)) this.#unfinished++
    if (after !== undefined) {
      this.#referee.changed(before ?? null, after, moves)
      this.#jobs.set(seq, after)
      this.#seqById.set(after.id, seq)
    } else if (before !== undefined) {
      this.#referee.deleted(before)
      this.#jobs.delete(seq)
      this.#seqById.delete(before.id)
    }
  }
}

function toMove(row: Row): Move {
  return {
    seq: Number(row["seq"]),
    prev: numberOrNull(row["prev"]),
    job: Number(row["job"]),
    at: Number(row["at"]),
    from: row["from_state"] === null ? null : stateOf(row["from_state"]),
    to: stateOf(row["to_state"]),
    attempt: Number(row["attempt"]),
    worker: numberOrNull(row["worker"]),
    actor: textOrNull(row["actor"]),
    reason: textOrNull(row["reason"]),
  }
}

function toRecord(row: Row): JobRecord {
  const hash = row["unique_hash"]
  return {
    seq: Number(row["seq"]),
    id: String(row["id"]),
    kind: String(row["kind"]),
    queue: String(row["queue"]),
    state: stateOf(row["state"]),
    runAt: Number(row["run_at"]),
    attempt: Number(row["attempt"]),
    token: numberOrNull(row["token"]),
    worker: numberOrNull(row["worker"]),
    failures: Number(row["failures"]),
    crashes: Number(row["crashes"]),
    interruptions: Number(row["interruptions"]),
    maxAttempts: Number(row["max_attempts"]),
    maxCrashes: Number(row["max_crashes"]),
    solo: row["solo"] === 1,
    enqueuedAt: Number(row["enqueued_at"]),
    expiresAt: numberOrNull(row["expires_at"]),
    finishedAt: numberOrNull(row["finished_at"]),
    cancelAt: numberOrNull(row["cancel_at"]),
    trail: Number(row["trail"]),
    result: textOrNull(row["result"]),
    error: textOrNull(row["error"]),
    reason: textOrNull(row["reason"]),
    uniqueHash: hash instanceof Uint8Array ? Buffer.from(hash).toString("hex") : null,
    uniqueLabel: textOrNull(row["unique_label"]),
    uniqueStates: Number(row["unique_states"] ?? 0),
    uniqueUntil: numberOrNull(row["unique_until"]),
    keys: typeof row["keys"] === "string" ? readKeys(row["keys"]) : [],
  }
}

function stateOf(code: Row[string] | undefined): JobState {
  return jobStates[Number(code)]!
}

function numberOrNull(value: Row[string] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

function textOrNull(value: Row[string] | undefined): string | null {
  return typeof value === "string" ? value : null
}
