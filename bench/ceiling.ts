import { DatabaseSync } from "node:sqlite"
import type { StatementSync } from "node:sqlite"

/**
 * The ceiling: what `node:sqlite` can do when somebody writes the same durable work by hand. The same
 * settings, a row of the same shape with the same kinds of indexes, the same history of every transition;
 * but one process that knows it is alone: no fences, no limits, no validation, no events, no handlers.
 */
export class Ceiling {
  readonly #database: DatabaseSync
  readonly #insertJob: StatementSync
  readonly #insertTrail: StatementSync
  readonly #due: StatementSync
  readonly #claim: StatementSync
  readonly #settle: StatementSync
  #trail = 0
  #id = 0

  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    this.#database.exec(SETTINGS)
    this.#database.exec(SCHEMA)
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql)
    this.#insertJob = prepare(
      `insert into job (id, lane, state, rank, run_at, priority, max_attempts, enqueued_at, input, trail)
       values (?, 1, 1, ?, ?, 100, 25, ?, ?, ?)`,
    )
    this.#insertTrail = prepare(
      `insert into trail (seq, prev, job, at, state, attempt, worker) values (?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#due = prepare(
      `select seq, id, attempt, trail, input, failures, crashes, interruptions, max_attempts
       from job where state = 1 and lane = 1 order by rank, seq limit ?`,
    )
    this.#due.setReturnArrays(true)
    this.#claim = prepare(
      `update job set state = 2, attempt = ?, token = ?, worker = 1, started_at = ?, trail = ? where seq = ?`,
    )
    this.#settle = prepare(
      `update job set state = 4, finished_at = ?, result = ?, worker = null, trail = ?
       where seq = ? and state = 2 and attempt = ? and token = ?`,
    )
  }

  /** Inserts jobs in transactions of `batch`. */
  enqueue(count: number, batch: number, input: string): void {
    for (let done = 0; done < count; done += batch) {
      this.#database.exec("begin immediate")
      const now = Date.now()
      for (let n = Math.min(batch, count - done); n > 0; n--) this.#insert(now, input)
      this.#database.exec("commit")
    }
  }

  /** Claims and completes everything, `batch` at a time, settling one batch with the claim of the next. */
  drain(batch: number): number {
    let running: ClaimedRow[] = []
    let settled = 0
    for (;;) {
      this.#database.exec("begin immediate")
      const now = Date.now()
      for (const row of running) this.#settleRow(row, now)
      settled += running.length
      running = this.#due.all(batch) as unknown as ClaimedRow[]
      for (const row of running) this.#claimRow(row, now)
      this.#database.exec("commit")
      if (running.length === 0) return settled
    }
  }

  close(): void {
    this.#database.close()
  }

  #insert(now: number, input: string): void {
    const trail = ++this.#trail
    const id = `01930000-0000-7000-8000-${(++this.#id).toString(16).padStart(12, "0")}`
    const { lastInsertRowid } = this.#insertJob.run(id, 100 * 2 ** 43 + now, now, now, input, trail)
    this.#insertTrail.run(trail, null, lastInsertRowid, now, 1, 0, null)
  }

  #claimRow(row: ClaimedRow, now: number): void {
    const trail = ++this.#trail
    row[2]++
    this.#insertTrail.run(trail, row[3], row[0], now, 2, row[2], 1)
    row[3] = trail
    this.#claim.run(row[2], TOKEN, now, trail, row[0])
  }

  #settleRow(row: ClaimedRow, now: number): void {
    const trail = ++this.#trail
    this.#insertTrail.run(trail, row[3], row[0], now, 4, row[2], 1)
    this.#settle.run(now, null, trail, row[0], row[2], TOKEN)
  }
}

type ClaimedRow = [seq: number, id: string, attempt: number, trail: number, ...rest: unknown[]]

const TOKEN = 4_503_599_627_370_495

const SETTINGS = `
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma temp_store = memory;
  pragma cache_size = -16384;
  pragma wal_autocheckpoint = 1000`

const SCHEMA = `
  create table job (
    seq integer primary key, id text not null, lane integer not null, state integer not null,
    rank integer not null, run_at integer not null, priority integer not null,
    attempt integer not null default 0, token integer, worker integer,
    failures integer not null default 0, crashes integer not null default 0,
    interruptions integer not null default 0, max_attempts integer not null,
    enqueued_at integer not null, started_at integer, finished_at integer, trail integer,
    input text, result text, tags text, metadata text, unique_hash blob
  ) strict;
  create unique index job_id on job (id);
  create index job_ready on job (lane, rank, seq) where state = 1;
  create index job_running on job (worker) where state = 2;
  create index job_finished on job (state, finished_at) where state >= 4;
  create table trail (
    seq integer primary key, prev integer, job integer not null, at integer not null,
    state integer not null, attempt integer not null, worker integer, detail text
  ) strict`
