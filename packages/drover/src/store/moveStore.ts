import type { OpenOptions } from "./store.ts"
import type { MigrationStatus } from "./upkeep.ts"

/** Name of a part of what a move takes. */
export type MovePart =
  | "workers"
  | "queues"
  | "limits"
  | "limitTurns"
  | "limitStarts"
  | "jobs"
  | "limitUses"
  | "trail"
  | "holds"
  | "logs"
  | "schedules"
  | "ticks"
  | "scheduleChanges"
  | "scheduleConfigs"
  | "samples"

/**
 * What a move takes from one database to another, in this order: a part only names what earlier parts brought. Each
 * has the columns of its rows; states are codes, times ms since 1970, keys in hexadecimal, what is structured JSON text.
 * The same rows, in the same order, come out of every store that holds the same: that is how a move is checked.
 */
export const moveParts: Readonly<Record<MovePart, string>> = {
  /** By id. */
  workers: "id, token, host, pid, started_at, beat_at, lease_until, info, ended_at, end_reason",
  /** By name. */
  queues: "name, paused_at, slots, aging_ms, updated_at, updated_by",
  /** By id. */
  limits: "id, scope, target, type, by, declared, generation, setting, set_at, set_by, turn",
  /** By limit and key. */
  limitTurns: "limit_id, key, turn",
  /** By limit, key and time. */
  limitStarts: "limit_id, key, at, starts",
  /** By time of enqueue, then by id. `worker` is an id. */
  jobs:
    "id, kind, queue, state, run_at, priority, attempt, token, worker, failures, crashes, interruptions, " +
    "max_attempts, max_crashes, enqueued_at, expires_at, started_at, finished_at, cancel_at, cancel_reason, " +
    "cancel_by, timeout_ms, input, tags, metadata, retry, result, reason, error, unique_hash, unique_states, " +
    "unique_until, unique_label, progress_at, progress_value, log_kept, log_bytes, log_dropped, keys",
  /** By limit, key and job. */
  limitUses: "limit_id, key, job, attempt",
  /** In the order in which it was written. */
  trail: "job, at, from_state, to_state, attempt, worker, actor, reason, error",
  /** By hash. */
  holds: "hash, job, folded, window_until, window_job",
  /** In the order in which they were written. */
  logs: "job, attempt, at, level, message, fields",
  /** By id. */
  schedules:
    "id, name, version, deployment, declared, changed, anchor_at, next_at, fire_at, held_at, paused_at, retired_at, " +
    "deleted_at, failure, last_at, last_job, ticks, created_at, updated_at, updated_by",
  /** By schedule and number. */
  ticks: "schedule, n, at, through_at, count, job, reason, actor, recorded_at",
  /** In the order in which they were made. */
  scheduleChanges: "seq, id, schedule, at, actor, action, detail",
  /** By deployment and generation. */
  scheduleConfigs: "deployment, generation, hash, at",
  /** By time and queue. */
  samples: "at, queue, counts, oldest_wait_ms",
}

/** The parts in the order of a move. */
export const movePartNames: readonly MovePart[] = Object.keys(moveParts) as MovePart[]

/** A part that is one table in every store: its name there, and the columns that tell its rows apart, in their order. */
export interface PlainPart {
  readonly table: string
  readonly columns: readonly string[]
  readonly key: readonly { readonly column: string; readonly isText: boolean }[]
}

/** @param key names of columns; those of texts, which are ordered by their bytes, end with a `*`. */
function plain(part: MovePart, table: string, ...key: readonly string[]): PlainPart {
  const columns = key.map((name) => ({ column: name.replace("*", ""), isText: name.endsWith("*") }))
  return { table, columns: moveParts[part].split(", "), key: columns }
}

/** The parts that each store moves in the same way; the others are spread over tables of its own. */
export const plainParts: Readonly<Partial<Record<MovePart, PlainPart>>> = {
  queues: plain("queues", "queue", "name*"),
  limitTurns: plain("limitTurns", "limit_turn", "limit_id", "key*"),
  schedules: plain("schedules", "schedule", "id"),
  ticks: plain("ticks", "tick", "schedule", "n"),
  scheduleChanges: plain("scheduleChanges", "schedule_change", "seq"),
  scheduleConfigs: plain("scheduleConfigs", "schedule_config", "deployment*", "generation"),
  samples: plain("samples", "sample", "at", "queue*"),
}

/** JSON in one spelling, because a store may keep it as text or as a structure. */
export function oneSpelling(json: string | number | null | undefined): string | null {
  return typeof json === "string" ? JSON.stringify(sorted(JSON.parse(json) as unknown)) : null
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]))
}

/** One row of a part: its values in the order of the part's columns. */
export type MoveRow = readonly (string | number | null)[]

/** Rows of a part, and where the next ones begin; `next` is null after the last. */
export interface MovePage {
  readonly rows: readonly MoveRow[]
  readonly next: string | null
}

/** How far a part has come in the database that takes it in. */
export interface MoveProgress {
  /** Cursor of the source: all before it has arrived. `null` before the first page. */
  readonly after: string | null
  readonly rows: number
  readonly done: boolean
}

/** What a database keeps about the move that it is or was part of. */
export interface MoveNote {
  /** The same in both databases. */
  readonly id: string
  readonly role: "source" | "target"
  /** `moving`: nobody may write to it but the move. `moved`: the source stays shut for good, the target is in use. */
  readonly state: "moving" | "moved"
  /** Where it goes to or comes from, without secrets. */
  readonly peer: string
  /** Of the target: what has arrived. */
  readonly progress: Readonly<Partial<Record<MovePart, MoveProgress>>>
}

/** How many of its tables a database has: none, also when it is not there itself; some, of an older version or half made. */
export type TablesMade = "none" | "some" | "all"

/** Reads it from the migrations. */
export function tablesMade(migrations: readonly MigrationStatus[]): TablesMade {
  const applied = migrations.filter(({ appliedAt }) => appliedAt !== null).length
  if (applied === 0) return "none"
  return applied < migrations.length ? "some" : "all"
}

/**
 * What only a move needs of a database, beside its `Store`. A database that is shut refuses every write but those made
 * here with `DROVER_STORE_MOVED`, of any process and any version, because the database itself refuses them.
 */
export interface MoveStore {
  readonly label: string
  /** What is there of this version's tables. It can be asked before `open`, and makes nothing. */
  tables(): Promise<TablesMade>
  open(options: OpenOptions): Promise<void>
  close(): Promise<void>
  /** The store's time. */
  now(): Promise<number>
  readNote(): Promise<MoveNote | null>
  /** Shuts the database with a note, unless workers are alive. When it resolves, no write of others is under way. */
  shut(note: MoveNote): Promise<{ readonly shut: boolean; readonly workers: readonly string[] }>
  /**
   * Shuts a database that will take rows in. Its clock then shows at least `at`.
   * @returns false, and changes nothing, when it holds anything already.
   */
  shutEmpty(note: MoveNote, at: number): Promise<boolean>
  /** Replaces the note of a database that stays shut. */
  writeNote(note: MoveNote): Promise<void>
  /** Lets everybody write again; `null` forgets the move. */
  reopen(note: MoveNote | null): Promise<void>
  countRows(part: MovePart): Promise<number>
  /** Rows of a part after a cursor, at most `limit`. */
  exportRows(part: MovePart, after: string | null, limit: number): Promise<MovePage>
  /**
   * Takes rows in, and notes that everything before `to` has arrived, in one transaction.
   * @param from where the rows begin. If the part is not there any more, nothing is done: they have arrived before.
   */
  importRows(
    part: MovePart,
    page: {
      readonly from: string | null
      readonly to: string | null
      readonly rows: readonly MoveRow[]
    },
  ): Promise<"imported" | "repeated">
  /** Deletes everything that a move brought, of a database that is shut as a target. */
  clear(): Promise<void>
}
