import type { Events } from "../../events/index.ts"
import { encodePayload, maxLogBytes, maxLogLines, maxProgressBytes } from "../../store/index.ts"
import type { ClaimedJob, LogLine, Store } from "../../store/index.ts"
import type { Clock } from "../../time/index.ts"
import { logMethod } from "../define/jobContext.ts"
import type { JobLogger, JobLogMethod } from "../define/jobContext.ts"
import type { Deadline, Deadlines } from "./deadlines.ts"
import { encodeFields } from "./logFields.ts"

/** What the reports of one attempt need. */
export interface AttemptReportsOptions {
  readonly clock: Clock
  readonly events: Events
  readonly store: Pick<Store, "progress" | "appendLog">
  readonly deadlines: Deadlines
  readonly attempt: ClaimedJob
  onFenced(operation: string): void
}

// Of one line. Longer texts are cut.
const MAX_MESSAGE_CHARS = 8_192
// How long a line or a progress waits at most for others to go with it.
const DELAY_MS = 250
const BATCH_LINES = 100

/** The line in the log of a job whose handler reported a progress that no store takes. */
export const unstoredProgress: string = `a progress was not stored: it is not JSON, or more than ${maxProgressBytes} bytes of it`

type Level = LogLine["level"]

/**
 * What a handler logs and how far it says it is, on the way to the store: bounded in memory however fast it comes,
 * at most one write of each kind under way, one every 250 ms. A store that fails costs lines (they are counted as
 * dropped), never the attempt.
 */
export class AttemptReports implements Deadline {
  dueMono = 0
  place = -1
  readonly logger: JobLogger
  readonly #options: AttemptReportsOptions
  #lines: LogLine[] = []
  #kept = 0
  #bytes = 0
  #dropped = 0
  #progress: { readonly value: unknown } | undefined
  #writing: Promise<void> | undefined
  #closed = false

  constructor(options: AttemptReportsOptions) {
    this.#options = options
    this.logger = Object.freeze({
      debug: this.#method("debug"),
      info: this.#method("info"),
      warn: this.#method("warn"),
      error: this.#method("error"),
    })
  }

  /** Adds a line. @param fields anything; see `encodeFields`. */
  add(level: Level, message: string, fields: unknown): void {
    if (this.#closed) return
    if (this.#kept >= maxLogLines || this.#bytes >= maxLogBytes) {
      this.addDropped(1)
      return
    }
    const line = this.#line(level, message, fields)
    this.#kept++
    this.#bytes += 2 * line.message.length + (line.fields?.length ?? 0)
    this.#lines.push(line)
    if (this.#lines.length >= BATCH_LINES) this.#write()
    else this.#arm()
  }

  /** Counts lines that were not kept. */
  addDropped(lines: number): void {
    if (this.#closed) return
    this.#dropped += lines
    this.#arm()
  }

  setProgress(value: unknown): void {
    if (this.#closed) return
    this.#progress = { value }
    this.#arm()
    if (!this.#options.events.wanted("job.progress")) return
    const { jobId, kind, queue, attempt } = this.#options.attempt
    this.#options.events.emit("job.progress", { jobId, kind, queue, attempt, progress: value })
  }

  onDue(): void {
    this.#write()
  }

  /** Writes what there is now, and goes on. */
  async flush(): Promise<void> {
    this.#write()
    await this.#writing
  }

  /** Writes what is left. Resolves when all of it is stored or given up; `undefined` when nothing waits. */
  finish(): Promise<void> | undefined {
    this.#closed = true
    this.#options.deadlines.remove(this)
    this.#write()
    return this.#writing
  }

  /** Forgets what is left: the attempt was superseded, the store would reject it. */
  drop(): void {
    this.#closed = true
    this.#lines = []
    this.#dropped = 0
    this.#progress = undefined
    this.#options.deadlines.remove(this)
  }

  #method(level: Level): JobLogMethod {
    return logMethod((message, fields) => this.add(level, message, fields))
  }

  #arm(): void {
    if (this.place >= 0 || this.#writing !== undefined) return
    const { clock, deadlines } = this.#options
    deadlines.add(this, clock.monotonic() + DELAY_MS)
  }

  #write(): void {
    if (this.#writing !== undefined || !this.#hasWork()) return
    this.#options.deadlines.remove(this)
    this.#writing = this.#drain().finally(() => {
      this.#writing = undefined
      if (!this.#hasWork()) return undefined
      // What came during the write waits its turn, so a flood is one write every 250 ms. The last write goes at once,
      // and whoever waits for this one waits for it too: it may have come when the loop above had just ended.
      if (this.#closed) this.#write()
      else this.#arm()
      return this.#writing
    })
  }

  async #drain(): Promise<void> {
    do {
      const lines = this.#lines
      const dropped = this.#dropped
      const progress = this.#progress
      this.#lines = []
      this.#dropped = 0
      this.#progress = undefined
      await Promise.all([this.#sendLines(lines, dropped), this.#sendProgress(progress)])
    } while (this.#closed && this.#hasWork())
  }

  #hasWork(): boolean {
    return this.#lines.length > 0 || this.#dropped > 0 || this.#progress !== undefined
  }

  async #sendLines(lines: readonly LogLine[], dropped: number): Promise<void> {
    if (lines.length === 0 && dropped === 0) return
    const { store, attempt, onFenced } = this.#options
    try {
      if ((await store.appendLog(attempt, lines, dropped)) === "fenced") onFenced("log")
    } catch {
      // The store reports its own failures. Once more would be once more per flood: count them instead.
      if (!this.#closed) this.#dropped += dropped + lines.length
    }
  }

  async #sendProgress(progress: { readonly value: unknown } | undefined): Promise<void> {
    if (progress === undefined) return
    const { store, attempt, onFenced } = this.#options
    const text = encodeOrNull(progress.value)
    if (text === null) {
      this.add("warn", unstoredProgress, undefined)
      return
    }
    try {
      if ((await store.progress(attempt, text)) === "fenced") onFenced("progress")
    } catch {
      // The next one, if it is not newer already.
      if (!this.#closed) this.#progress ??= progress
    }
  }

  #line(level: Level, message: string, fields: unknown): LogLine {
    return {
      attempt: this.#options.attempt.attempt,
      at: this.#options.clock.now(),
      level,
      message: clean(message),
      fields: encodeFields(fields),
    }
  }
}

function encodeOrNull(value: unknown): string | null {
  try {
    return encodePayload(value, "progress", maxProgressBytes)
  } catch {
    return null
  }
}

// NUL and lone surrogates are what stores refuse; the length bounds memory before anything is kept.
function clean(message: unknown): string {
  const text = typeof message === "string" ? message : safeText(message)
  return text.slice(0, MAX_MESSAGE_CHARS).toWellFormed().replaceAll("\0", "\uFFFD")
}

function safeText(value: unknown): string {
  try {
    return String(value)
  } catch {
    return "a value that cannot be shown"
  }
}
