import { DroverError } from "../../../errors/index.ts"
import type { AbortReason } from "../../../errors/index.ts"
import { encodePayload, maxLogLines, maxProgressBytes } from "../../../store/index.ts"
import type { ClaimedJob, LogLine } from "../../../store/index.ts"
import { logMethod } from "../../define/jobContext.ts"
import type { JobLogger, JobLogMethod } from "../../define/jobContext.ts"
import type { JobDefinition } from "../../define/jobDefinition.ts"
import { judge } from "../../define/jobRetry.ts"
import { validate } from "../../define/standardSchema.ts"
import { AttemptContext } from "../attemptContext.ts"
import type { ContextSource } from "../attemptContext.ts"
import { unstoredProgress } from "../attemptReports.ts"
import { outcomeEnding } from "../decide.ts"
import type { Ending } from "../decide.ts"
import { encodeFields } from "../logFields.ts"
import { unpackReason } from "./childProtocol.ts"
import type { FromChild } from "./childProtocol.ts"

// A message that could not be kept anyway must not be copied between processes first.
const MAX_TEXT = 8_192

/**
 * One run of a handler in a child. What it logs and reports goes to the parent, which holds the lease and the slot.
 * However fast it comes, little of it waits here: a channel keeps what is sent in memory until it is read.
 */
export class ChildAttempt implements ContextSource {
  readonly claimed: ClaimedJob
  readonly #definition: JobDefinition
  readonly #payloadLimit: number
  readonly #send: (message: FromChild) => void
  readonly #defer: (callback: () => void) => void
  #controller: AbortController | undefined
  #reason: AbortReason | undefined
  #input: { readonly value: unknown } | undefined
  #lines = 0
  #dropped = 0
  // The latest, which alone counts.
  #progress: unknown
  #hasProgress = false
  #flushing = false

  constructor(
    definition: JobDefinition,
    claimed: ClaimedJob,
    payloadLimit: number,
    send: (message: FromChild) => void,
    defer: (callback: () => void) => void,
  ) {
    this.#definition = definition
    this.claimed = claimed
    this.#payloadLimit = payloadLimit
    this.#send = send
    this.#defer = defer
  }

  /** Whether the handler ever looked at its signal. */
  get signalRead(): boolean {
    return this.#controller !== undefined
  }

  /** Never rejects. */
  async run(): Promise<Ending> {
    const { input, kind } = this.#definition
    try {
      if (input !== null) {
        this.#input = {
          value: await validate(input, this.readInput(), "DROVER_INPUT_INVALID", `${kind} input`),
        }
      }
    } catch (error) {
      return { how: "refused", error }
    }
    // Told to end while the input was checked: what has not begun need not.
    if (this.#reason !== undefined) return { how: "threw", error: this.#reason }
    try {
      return await this.#ending(await this.#definition.run(new AttemptContext(this)))
    } catch (error) {
      return outcomeEnding(error) ?? this.threw(error)
    }
  }

  /** A failure, judged here: a copy of the error elsewhere is no instance of the classes that `retryIf` knows. */
  threw(error: unknown): Ending {
    return { how: "threw", ...judge(this.#definition.retryIf, error) }
  }

  abort(code: AbortReason["code"], message: string): void {
    this.#reason = unpackReason(code, message)
    this.#controller?.abort(this.#reason)
  }

  readInput(): unknown {
    return (this.#input ??= { value: JSON.parse(this.claimed.input) as unknown }).value
  }

  readSignal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  readLog(): JobLogger {
    return {
      debug: this.#log("debug"),
      info: this.#log("info"),
      warn: this.#log("warn"),
      error: this.#log("error"),
    }
  }

  readProgress(): (value: unknown) => void {
    return (value) => {
      this.#progress = value
      this.#hasProgress = true
      this.#flushSoon()
    }
  }

  settleIn(): Promise<void> {
    const message = `settle: ${this.claimed.kind} runs in a thread or process of its own, which cannot settle in a transaction; return its result instead`
    return Promise.reject(new DroverError("DROVER_TRANSACTION", message))
  }

  /** Sends what waits. */
  flush(): void {
    if (this.#hasProgress) this.#sendProgress()
    if (this.#dropped > 0) this.#send({ type: "dropped", lines: this.#dropped })
    this.#dropped = 0
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    this.#defer(() => {
      this.#flushing = false
      this.flush()
    })
  }

  #sendProgress(): void {
    this.#hasProgress = false
    const text = encodeOrNull(this.#progress)
    if (text === null) this.#line("warn", unstoredProgress, () => null)
    else this.#send({ type: "progress", value: text })
  }

  async #ending(value: unknown): Promise<Ending> {
    const outcome = outcomeEnding(value)
    if (outcome !== null) return outcome
    const { output, kind } = this.#definition
    const valid =
      output === null
        ? value
        : await validate(output, value, "DROVER_OUTPUT_INVALID", `${kind} output`)
    return {
      how: "returned",
      result: valid === undefined ? null : encodePayload(valid, "result", this.#payloadLimit),
    }
  }

  #log(level: LogLine["level"]): JobLogMethod {
    return logMethod((message, fields) => {
      this.#line(level, message, () => encodeFields(fields))
    })
  }

  #line(level: LogLine["level"], message: unknown, fields: () => string | null): void {
    // The parent keeps no more of an attempt; the rest is only counted.
    if (this.#lines++ >= maxLogLines) {
      this.#dropped++
      this.#flushSoon()
      return
    }
    const text = textOf(message).slice(0, MAX_TEXT)
    this.#send({ type: "log", level, message: text, fields: fields() })
  }
}

// A handler may log anything, and logging never throws.
function textOf(message: unknown): string {
  try {
    return String(message)
  } catch {
    return "a value that cannot be shown"
  }
}

function encodeOrNull(value: unknown): string | null {
  try {
    return encodePayload(value, "progress", maxProgressBytes)
  } catch {
    return null
  }
}
