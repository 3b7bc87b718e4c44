import { readdirSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { AppendFile, readAppended } from "../../packages/drover/crash/appendFile.ts"
import type { Record as CrashRecord, Testimony } from "../../packages/drover/crash/witness.ts"
import { systemClock } from "../../packages/drover/src/time/index.ts"

/** What a worker process saw, beside what the crash tests' processes see. */
export type WorkerTestimony =
  | Testimony
  /** It registered under this name. */
  | { readonly event: "joined"; readonly worker: string }
  /** It took this attempt from that worker. */
  | {
      readonly event: "rescued"
      readonly job: string
      readonly attempt: number
      readonly from: string
    }
  /** It noticed that it could not prove to be alive. */
  | { readonly event: "lapsed"; readonly sinceMs: number }
  /** Its event loop did not turn for so long, for whatever reason. */
  | { readonly event: "stalled"; readonly gapMs: number }
  /** Its event loop did not turn from `fromMono` until now. Told of much shorter gaps. */
  | { readonly event: "turned"; readonly fromMono: number }
  /** An exchange that brought jobs, and how long it took. */
  | { readonly event: "claim"; readonly count: number; readonly ms: number }
  /** A round trip to the store failed. */
  | { readonly event: "store"; readonly what: string }
  /** It began a term. */
  | { readonly event: "elected"; readonly term: number; readonly sentMono: number }
  /** It wrote something that only the leader of a term may write. */
  | {
      readonly event: "termWrite"
      readonly op: string
      readonly term: number
      readonly sentMono: number
    }
  /** The user's singleton of a term began to run in it, or ended. */
  | { readonly event: "led"; readonly what: "start" | "stop"; readonly term: number }

export type WorkerRecord = WorkerTestimony & { readonly pid: number; readonly mono: number }

const HANDLER_EVENTS: ReadonlySet<string> = new Set(["started", "ended", "aborted"])

/**
 * Writes down what a worker process saw, outside of the database under test, twice: a line appended to its own file,
 * and for handlers a row in its own witness database. One writer each, so that a process that is stopped in the middle
 * of a write holds up nobody.
 */
export class WorkerWitness {
  readonly #lines: AppendFile<WorkerRecord>
  readonly #db: DatabaseSync
  readonly #insert: ReturnType<DatabaseSync["prepare"]>

  constructor(folder: string, pid: number = process.pid) {
    this.#lines = new AppendFile(join(folder, `witness-${pid}.jsonl`))
    this.#db = new DatabaseSync(join(folder, `witness-${pid}.db`))
    // The kernel keeps what a killed process wrote; only a power cut would need more.
    this.#db.exec("pragma journal_mode = wal; pragma synchronous = off")
    this.#db.exec(
      "create table if not exists seen (job text, attempt integer, event text, token integer, mono real)",
    )
    this.#insert = this.#db.prepare("insert into seen values (?, ?, ?, ?, ?)")
  }

  /** @param token the fence of the attempt, if this process knows it. */
  write(testimony: WorkerTestimony, token: number | null = null): void {
    const mono = systemClock.monotonic()
    this.#lines.append({ ...testimony, pid: process.pid, mono })
    if (!HANDLER_EVENTS.has(testimony.event) || !("attempt" in testimony)) return
    this.#insert.run(testimony.job, testimony.attempt, testimony.event, token, mono)
  }
}

/** A row of a witness database. */
export interface Seen {
  readonly pid: number
  readonly job: string
  readonly attempt: number
  readonly event: string
  readonly token: number | null
}

/** All lines, in the order of time. */
export function readTestimonies(folder: string): readonly WorkerRecord[] {
  return readAppended<WorkerRecord>(folder, "witness-").toSorted((a, b) => a.mono - b.mono)
}

/** All rows of the witness databases. */
export function readSeen(folder: string): readonly Seen[] {
  return readdirSync(folder)
    .filter((name) => /^witness-\d+\.db$/.test(name))
    .flatMap((name) => {
      const db = new DatabaseSync(join(folder, name))
      try {
        const rows = db.prepare("select job, attempt, event, token from seen").all()
        const pid = Number(name.slice("witness-".length, -".db".length))
        return rows.map((row) => ({ ...row, pid }) as unknown as Seen)
      } finally {
        db.close()
      }
    })
}

/** Those that the checks of the crash tests understand. */
export function crashRecords(records: readonly WorkerRecord[]): CrashRecord[] {
  const known = new Set([
    "acked",
    "claimed",
    "started",
    "ended",
    "aborted",
    "settled",
    "struck",
    "trouble",
  ])
  return records.filter((record) => known.has(record.event)) as CrashRecord[]
}
