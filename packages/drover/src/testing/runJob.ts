import { Cancelled, checkOptions, isDroverError } from "../errors/index.ts"
import type { AbortReason } from "../errors/index.ts"
import { Events } from "../events/index.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { prepareJob } from "../jobs/define/newJobs.ts"
import type { EnqueueOptions } from "../jobs/define/newJobs.ts"
import type { EndedAttempt } from "../jobs/work/attemptHost.ts"
import { decodePayload, defaultPayloadLimit } from "../store/index.ts"
import type { ClaimedJob, LogLine, NewJob, Settlement, Store, StoredError } from "../store/index.ts"
import { ManualClock, SeededRng, UuidMaker } from "../time/index.ts"
import type { Clock, Rng } from "../time/index.ts"
import { InlineHost } from "./inlineHost.ts"

/** How `runJob` runs the handler. */
export interface RunJobOptions {
  /** As at an enqueue: tags, metadata, timeout, retry… @default none */
  readonly enqueue?: EnqueueOptions
  /** The number of this run. @default 1 */
  readonly attempt?: number
  /** Failures before this run. @default attempt − 1 */
  readonly failures?: number
  /** Aborts the handler's signal; with its reason if that is `Timeout`, `Cancelled`, `Shutdown` or `LeaseLost`, else as a cancel. */
  readonly abort?: AbortSignal
  /** @default a ManualClock */
  readonly clock?: Clock
  /** @default a SeededRng */
  readonly rng?: Rng
}

/** How a run ended: what a worker would have written, and what the handler reported. */
export interface JobRun<Result = unknown> {
  /** `fenced` is a run whose lease was lost: nothing would be written. */
  readonly outcome: Settlement["to"] | "fenced"
  /** What the handler returned, as it comes back from the store; `undefined` unless completed. */
  readonly result: Result | undefined
  /** The failure as it would be stored, or `null`. */
  readonly error: StoredError | null
  /** Why it was cancelled, discarded, snoozed or interrupted, or `null`. */
  readonly reason: string | null
  /** The wait until the next run, of `retryable` and `snoozed`; else `null`. */
  readonly delayMs: number | null
  readonly log: readonly {
    readonly level: LogLine["level"]
    readonly message: string
    readonly fields: unknown
  }[]
  /** Every progress that would have been stored, oldest first. */
  readonly progress: readonly unknown[]
}

const OPTIONS: readonly (keyof RunJobOptions)[] = [
  "enqueue",
  "attempt",
  "failures",
  "abort",
  "clock",
  "rng",
]

/**
 * Runs one attempt of a job right here, without a database: the input is validated, encoded and decoded as it
 * would be, the handler gets a real context, and its end is judged by the same rules as in a worker. What it settles in
 * a transaction of its own (`settle`, with whatever is handed in) is how it ends, unless it throws afterwards: then the
 * transaction is taken to be rolled back.
 * @throws DroverError for an input or an option that an enqueue would refuse. What the handler throws is in the outcome.
 */
export async function runJob<Input, Result>(
  definition: JobDefinition<Input, Result>,
  input: Input,
  options: RunJobOptions = {},
): Promise<JobRun<Result>> {
  checkOptions(options, OPTIONS, "runJob")
  const { clock = new ManualClock(), rng = new SeededRng(definition.kind), abort } = options
  const ids = new UuidMaker(clock, rng)
  // No other job is here that could hold a key, and debounce would ask for a wait.
  const enqueue = { unique: false, ...options.enqueue } as const
  const job = await prepareJob(definition, input, enqueue, {
    ids,
    payloadLimit: defaultPayloadLimit,
  })
  const desk = new ReportDesk()
  const events = new Events()
  const store = desk.asStore()
  const host = new InlineHost({
    clock,
    rng,
    events,
    store,
    workerId: "test",
    payloadLimit: defaultPayloadLimit,
    settleTarget: desk,
  })
  const attempt = host.run(claimOf(job, options, clock.now()), definition)
  const onAbort = (): void => attempt.abort(reasonOf(abort?.reason))
  if (abort?.aborted === true) onAbort()
  else abort?.addEventListener("abort", onAbort, { once: true })
  const [ended] = await host.takeEnded()
  abort?.removeEventListener("abort", onAbort)
  host.deadlines.clear()
  return { ...describe<Result>(settlementOf(ended)), log: desk.log(), progress: desk.progress }
}

function claimOf(job: NewJob, options: RunJobOptions, nowMs: number): ClaimedJob {
  const attempt = options.attempt ?? 1
  return {
    jobId: job.id,
    ref: 0,
    attempt,
    token: 1,
    kind: job.kind,
    queue: job.queue,
    priority: job.priority,
    failures: options.failures ?? attempt - 1,
    crashes: 0,
    interruptions: 0,
    maxAttempts: job.maxAttempts,
    maxCrashes: job.maxCrashes,
    timeoutMs: job.timeoutMs,
    retry: job.retry,
    input: job.input,
    tags: job.tags.length === 0 ? null : JSON.stringify(job.tags),
    metadata: job.metadata,
    enqueuedAt: nowMs,
    runAt: job.runAt ?? nowMs + job.delayMs,
    startedAt: nowMs,
    mark: 0,
  }
}

function reasonOf(reason: unknown): AbortReason {
  const codes = ["DROVER_TIMEOUT", "DROVER_CANCELLED", "DROVER_SHUTDOWN", "DROVER_LEASE_LOST"]
  if (isDroverError(reason) && codes.includes(reason.code)) return reason as AbortReason
  return new Cancelled("the job was cancelled", { cause: reason })
}

function settlementOf(ended: EndedAttempt | undefined): Settlement | undefined {
  if (ended?.joined === undefined) return ended?.settlement
  const { to } = ended.settlement
  const threw = to === "retryable" || ("failed" in ended.settlement && ended.settlement.failed)
  return threw || to === "interrupted" ? ended.settlement : ended.joined
}

function describe<Result>(
  settlement: Settlement | undefined,
): Omit<JobRun<Result>, "log" | "progress"> {
  if (settlement === undefined) {
    return { outcome: "fenced", result: undefined, error: null, reason: null, delayMs: null }
  }
  const text = settlement.to === "completed" ? settlement.result : null
  return {
    outcome: settlement.to,
    result: text === null ? undefined : (decodePayload(text, "result") as Result),
    error: "error" in settlement ? settlement.error : null,
    reason: "reason" in settlement ? settlement.reason : null,
    delayMs: "delayMs" in settlement ? settlement.delayMs : null,
  }
}

// Takes what an attempt reports while it runs and settles, which is all that it asks of a store.
class ReportDesk {
  readonly progress: unknown[] = []
  readonly #lines: LogLine[] = []

  /** A settlement inside of a transaction: nothing is written, and the attempt remembers it. */
  settle(): Promise<"settled"> {
    return Promise.resolve("settled")
  }

  asStore(): Store {
    const desk: Pick<Store, "progress" | "appendLog"> = {
      progress: (_, value) => {
        this.progress.push(decodePayload(value, "progress"))
        return Promise.resolve("stored")
      },
      appendLog: (_, lines) => {
        this.#lines.push(...lines)
        return Promise.resolve("stored")
      },
    }
    return desk as Store
  }

  log(): JobRun["log"] {
    return this.#lines.map(({ level, message, fields }) => ({
      level,
      message,
      fields: fields === null ? null : decodePayload(fields, "fields"),
    }))
  }
}
