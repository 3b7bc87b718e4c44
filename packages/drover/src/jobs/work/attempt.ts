import { Cancelled, isDroverError, LeaseLost, Timeout } from "../../errors/index.ts"
import type { AbortReason } from "../../errors/index.ts"
import type { Reservation } from "../../slots/index.ts"
import { decodePayload, encodePayload } from "../../store/index.ts"
import type { ClaimedJob, Settlement } from "../../store/index.ts"
import { formatDuration } from "../../time/index.ts"
import type { JobLogger } from "../define/jobContext.ts"
import type { JobDefinition } from "../define/jobDefinition.ts"
import { alreadyEnded, alreadySettled, settleTargetOf } from "../define/settleTarget.ts"
import { validate } from "../define/standardSchema.ts"
import { AttemptContext } from "./attemptContext.ts"
import type { AttemptHost, EndedAttempt } from "./attemptHost.ts"
import { AttemptReports } from "./attemptReports.ts"
import type { Deadline } from "./deadlines.ts"
import { decide, outcomeEnding, threw } from "./decide.ts"
import type { Ending } from "./decide.ts"
import { policyOf } from "./jobPolicy.ts"
import { isEcho, runOwned } from "./strayErrors.ts"
import type { StrayOwner } from "./strayErrors.ts"
import { isThenable } from "./thenable.ts"

type Phase = "running" | "aborted" | "stuck" | "ended"

/**
 * One run of a job, from its claim until its handler has ended and its settlement is handed over. It holds a
 * slot for exactly as long as the handler runs.
 */
export class Attempt implements Deadline, StrayOwner {
  readonly claimed: ClaimedJob
  readonly definition: JobDefinition
  readonly startedMono: number
  /** Whether the job must run with nothing beside it. */
  readonly solo: boolean
  // Of the heap of deadlines.
  dueMono = 0
  place = -1
  readonly #host: AttemptHost
  readonly #slot: Reservation
  #phase: Phase = "running"
  #abort: AbortReason | null = null
  #abortedMono = 0
  #abortListener: ((reason: AbortReason) => void) | undefined
  #controller: AbortController | undefined
  #reports: AttemptReports | undefined
  #stray: { readonly error: unknown } | undefined
  #settled = false
  /** What was last settled inside of a transaction of the handler's, which may have been rolled back. */
  #joined: Settlement | undefined
  #input: unknown
  #inputRead = false

  constructor(
    host: AttemptHost,
    claimed: ClaimedJob,
    definition: JobDefinition,
    slot: Reservation,
    solo: boolean,
    startedMono: number,
  ) {
    this.#host = host
    this.claimed = claimed
    this.definition = definition
    this.#slot = slot
    this.solo = solo
    this.startedMono = startedMono
  }

  get abortReason(): AbortReason | null {
    return this.#abort
  }

  /** Calls the handler, synchronously if it is inline. */
  start(): void {
    const { claimed, definition } = this
    const timeoutMs = claimed.timeoutMs ?? definition.timeoutMs
    if (timeoutMs !== false) this.#host.deadlines.add(this, this.startedMono + timeoutMs)
    if (definition.isolation === "inline") runOwned(this, callHandler, this)
    else this.#watch(this.#host.children.run(this))
  }

  /** Asks the handler to end. The first reason stays, but for a lost lease, after which nothing may be written. */
  abort(reason: AbortReason): void {
    if (this.#phase === "ended") return
    if (this.#abort !== null) {
      if (isDroverError(reason, "DROVER_LEASE_LOST")) this.#abort = reason
      // Nothing will run again that the stuck handler could get in the way of.
      else if (this.#phase === "stuck" && isDroverError(reason, "DROVER_CANCELLED"))
        this.settleNow(threw(reason))
      return
    }
    this.#abort = reason
    this.#phase = "aborted"
    const { clock, deadlines, stuckAfterMs } = this.#host
    this.#abortedMono = clock.monotonic()
    deadlines.add(this, this.#abortedMono + stuckAfterMs)
    this.#abortListener?.(reason)
    // A listener of the handler that throws is the handler's stray error; Node reports it that way by itself.
    if (this.#controller !== undefined)
      runOwned(this, abortController, { controller: this.#controller, reason })
  }

  /** Tells the listener of the abort, also one that came before. For runners of other isolations. */
  onAbort(listener: (reason: AbortReason) => void): void {
    this.#abortListener = listener
    if (this.#abort !== null) listener(this.#abort)
  }

  onDue(nowMono: number): void {
    if (this.#phase === "running") {
      const ranMs = nowMono - this.startedMono
      const timeoutMs = this.claimed.timeoutMs ?? this.definition.timeoutMs
      this.abort(
        new Timeout(
          `the attempt ran longer than its timeout of ${formatDuration(Number(timeoutMs))}`,
          {
            details: { timeoutMs, ranMs },
          },
        ),
      )
    } else if (this.#phase === "aborted") {
      this.#phase = "stuck"
      this.#onStuck(nowMono - this.#abortedMono)
    }
  }

  strayed(error: unknown): void {
    this.#host.strayed(this, error)
    // Whatever takes the signal and is not awaited rejects like this: it says no more than that the attempt was aborted.
    if (this.#phase === "ended" || isEcho(error, this.#abort)) return
    this.#stray ??= { error }
    // Its code is broken, but it may go on; what it does now is not recorded any more.
    this.abort(
      new LeaseLost("the attempt failed by an error outside of its handler's promise", {
        cause: error,
      }),
    )
  }

  /**
   * Gives up the wait for the handler: what is to be written is written now, and its slot stays taken until it ends.
   * For a stuck handler, and for those that still run when the grace of a stop is over.
   */
  settleNow(ending: Ending): void {
    if (this.#settled || this.#phase === "ended") return
    void this.#settle(ending)
  }

  readInput(): unknown {
    if (!this.#inputRead) {
      this.#input = decodePayload(this.claimed.input, "input")
      this.#inputRead = true
    }
    return this.#input
  }

  readSignal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abort !== null) this.#controller.abort(this.#abort)
    }
    return this.#controller.signal
  }

  readLog(): JobLogger {
    return this.reports.logger
  }

  readProgress(): (value: unknown) => void {
    const { reports } = this
    return (value) => reports.setProgress(value)
  }

  /** Ends the attempt in the handler's own transaction. See `JobContext.settle`. */
  async settleIn(transaction: unknown, result: unknown): Promise<void> {
    const { settleTarget, store } = this.#host
    const target = settleTarget ?? settleTargetOf(transaction) ?? store.adopt(transaction)
    const ending = await this.#returned(result)
    const settlement = this.#settled || this.#stray !== undefined ? null : this.#decide(ending)
    if (settlement === null) throw this.#abort ?? alreadyEnded(this.claimed)
    // Later the store rejects them. On SQLite they would wait for the transaction, which waits for them here.
    if (store.dialect !== "sqlite") await this.#reports?.flush()
    const status = await target.settle({ attempt: this.claimed, settlement })
    // Whoever begins a transaction again after a commit whose reply was lost must not do its effect twice.
    if (status === "repeated") throw alreadySettled(this.claimed)
    this.#joined = status === "fenced" ? this.#joined : settlement
    if (status !== "fenced") return
    this.fenced("settle")
    throw this.#abort ?? alreadyEnded(this.claimed)
  }

  /** What the attempt logs and how far it is. */
  get reports(): AttemptReports {
    const { clock, events, store, deadlines } = this.#host
    return (this.#reports ??= new AttemptReports({
      clock,
      events,
      store,
      deadlines,
      attempt: this.claimed,
      onFenced: (operation) => this.fenced(operation),
    }))
  }

  /** The store rejected a write about this attempt: it was superseded. */
  fenced(operation: string): void {
    // It may have settled itself, in a transaction that was committed: then reports come too late, and nobody took it.
    if (this.#joined !== undefined && operation !== "settle") return
    const { jobId, attempt } = this.claimed
    this.#host.events.emit("job.fenced", { jobId, attempt, operation })
    this.abort(new LeaseLost("the attempt was superseded: the job was taken back from this worker"))
  }

  /** Validates what is stored, then calls the handler. Only for `callHandler`. */
  call(): void {
    const { input } = this.definition
    if (input === null) {
      this.#run()
      return
    }
    try {
      const valid = validate(
        input,
        this.readInput(),
        "DROVER_INPUT_INVALID",
        `${this.claimed.kind} input`,
      )
      if (valid instanceof Promise) {
        valid.then(
          (value: unknown) => this.#runWith(value),
          (error: unknown) => this.#finish({ how: "refused", error }),
        )
      } else this.#runWith(valid)
    } catch (error) {
      this.#finish({ how: "refused", error })
    }
  }

  #runWith(input: unknown): void {
    if (this.#abort !== null) {
      // Told to end while the input was checked: what has not begun need not.
      this.#finish(threw(this.#abort))
      return
    }
    this.#input = input
    this.#inputRead = true
    this.#run()
  }

  // Never throws: everything that the handler does ends up in #finish.
  #run(): void {
    try {
      const value: unknown = this.definition.run(new AttemptContext(this))
      if (!isThenable(value)) {
        this.#onReturn(value)
        return
      }
      value.then(
        (result: unknown) => this.#onReturn(result),
        (error: unknown) => this.#finish(threw(error)),
      )
    } catch (error) {
      this.#finish(threw(error))
    }
  }

  #onReturn(value: unknown): void {
    let ending: Ending | Promise<Ending>
    try {
      ending = this.#returned(value)
    } catch (error) {
      ending = threw(error)
    }
    if (ending instanceof Promise) this.#watch(ending)
    else this.#finish(ending)
  }

  #returned(value: unknown): Ending | Promise<Ending> {
    if (value === undefined && this.definition.output === null) return NOTHING
    const outcome = outcomeEnding(value)
    if (outcome !== null) return outcome
    if (this.definition.output === null) return this.#encoded(value)
    const output = validate(
      this.definition.output,
      value,
      "DROVER_OUTPUT_INVALID",
      `${this.claimed.kind} output`,
    )
    return output instanceof Promise
      ? output.then((valid: unknown) => this.#encoded(valid))
      : this.#encoded(output)
  }

  #encoded(value: unknown): Ending {
    if (value === undefined) return NOTHING
    return { how: "returned", result: encodePayload(value, "result", this.#host.payloadLimit) }
  }

  #watch(ending: Promise<Ending>): void {
    ending.then(
      (known) => this.#finish(known),
      (error: unknown) => this.#finish(threw(error)),
    )
  }

  #finish(ending: Ending): void {
    if (this.#phase === "ended") return
    this.#phase = "ended"
    if (this.place >= 0) this.#host.deadlines.remove(this)
    const written = this.#settled ? undefined : this.#settle(ending)
    if (written === undefined) this.#end()
    // Whoever waits for the last attempt to end must find its settlement on the way.
    else void written.then(() => this.#end())
  }

  #end(): void {
    this.#slot.release()
    this.#host.ended(this)
  }

  // Reports go first: after the settlement, the store rejects them. Resolves when the settlement is handed over.
  #settle(ending: Ending): Promise<void> | undefined {
    this.#settled = true
    const settlement = this.#decide(this.#stray === undefined ? ending : threw(this.#stray.error))
    if (settlement === null) {
      this.#reports?.drop()
      return undefined
    }
    const ended: EndedAttempt = {
      attempt: this.claimed,
      settlement,
      startedMono: this.startedMono,
      endedMono: this.#host.clock.monotonic(),
      ...(this.#joined !== undefined && { joined: this.#joined }),
    }
    const written = this.#reports?.finish()
    if (written !== undefined) return written.then(() => this.#host.settle(ended))
    this.#host.settle(ended)
    return undefined
  }

  #decide(ending: Ending): Settlement | null {
    // The commonest case by far, without anything to weigh.
    if (this.#abort === null && ending.how === "returned")
      return { to: "completed", result: ending.result }
    const stray = this.#stray !== undefined
    if (!stray && isDroverError(this.#abort, "DROVER_LEASE_LOST")) return null
    return decide(ending, {
      claimed: this.claimed,
      policy: policyOf(this.claimed.retry, this.definition.retry),
      retryIf: this.definition.retryIf,
      rng: this.#host.rng,
      abort: stray ? null : this.#abort,
      signalRead: this.#controller !== undefined,
    })
  }

  #onStuck(sinceMs: number): void {
    if (this.definition.isolation !== "inline") {
      this.#host.children.kill(this)
      return
    }
    this.#slot.markStuck()
    this.#host.stuck(this, sinceMs)
    if (!this.#wouldOverlap()) this.settleNow(threw(this.#abort))
  }

  // A job that may run again after its timeout waits until this handler has ended or its worker stops: two attempts
  // of one job at once are worse than a late one. After a stray error the handler mostly waits for what never comes.
  #wouldOverlap(): boolean {
    if (this.#stray !== undefined || !isDroverError(this.#abort, "DROVER_TIMEOUT")) return false
    return this.claimed.failures + 1 < this.claimed.maxAttempts
  }
}

const NOTHING: Ending = { how: "returned", result: null }

function callHandler(attempt: Attempt): void {
  attempt.call()
}

function abortController({
  controller,
  reason,
}: {
  controller: AbortController
  reason: AbortReason
}): void {
  controller.abort(reason)
}

/** The reason of a remote cancel, as the handler sees it. */
export function cancelReason(reason: string): Cancelled {
  return new Cancelled(reason === "" ? "the job was cancelled" : reason)
}
