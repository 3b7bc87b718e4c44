import { isDroverError } from "../../packages/drover/src/errors/index.ts"
import type { DroverErrorCode } from "../../packages/drover/src/errors/index.ts"
import type {
  EnqueueOutcome,
  ExchangeReply,
  ExchangeRequest,
} from "../../packages/drover/src/store/index.ts"
import type { Checker } from "../checks/checker.ts"
import type { HandlerRun } from "../checks/jobRecord.ts"
import type { Sometimes } from "../checks/sometimes.ts"
import { promise } from "../checks/violation.ts"
import type { CallFault } from "../faults/faultPlan.ts"
import type { StoreCall } from "../faults/faultStore.ts"

// What the real store may answer beside a reply: it is being closed, or somebody's transaction is open.
const EXPECTED: readonly DroverErrorCode[] = [
  "DROVER_CLOSED",
  "DROVER_STORE_BUSY",
  "DROVER_TRANSACTION",
]

/** Writes the history and counts what was met. It also checks that the store itself never fails unasked. */
export class Recorder implements Checker {
  readonly name = "store"
  readonly #sometimes: Sometimes
  readonly #note: (who: string, what: string) => void

  constructor(sometimes: Sometimes, note: (who: string, what: string) => void) {
    this.#sometimes = sometimes
    this.#note = note
  }

  executed(call: StoreCall, reply: unknown): void {
    this.#note(call.life.name, `${call.op} ${summary(call, reply)}`)
    if (call.op !== "enqueue" && call.op !== "exchange") return
    if (call.op === "exchange") {
      const [{ repeat, solo, enqueues = [] }] = call.args as [ExchangeRequest]
      const { claimed } = reply as ExchangeReply
      if (claimed.some(({ jobId }) => enqueues.some(({ id }) => id === jobId))) {
        this.#sometimes.hit("a job started with its enqueue")
      }
      if (repeat && claimed.length > 0) this.#sometimes.hit("a lost claim was found again")
      if (solo && claimed.length > 0) this.#sometimes.hit("a job ran alone after a crash")
      return
    }
    const outcomes = reply as readonly EnqueueOutcome[]
    for (const { status } of outcomes) this.#sometimes.hit(`an enqueue was ${status}`)
    if (outcomes.length > 1 && outcomes.some(({ status }) => status === "duplicate")) {
      this.#sometimes.hit("a batch held a duplicate")
    }
  }

  delivered({ op }: StoreCall): void {
    this.#sometimes.hit(`${op} succeeded`)
  }

  failed(call: StoreCall, error: unknown, planned: string | undefined): void {
    const code = isDroverError(error) ? error.code : undefined
    this.#note(call.life.name, `${call.op} failed: ${planned ?? code ?? String(error)}`)
    if (planned === "lost_reply" || planned === "ghost") {
      this.#sometimes.hit(`the reply of ${call.op} was lost`)
    }
    if (planned !== undefined || call.op === "transaction") return
    promise(
      code !== undefined && EXPECTED.includes(code),
      this.name,
      () => `${call.op} of ${call.life.name} failed: ${String(error)}`,
    )
  }

  struck(call: StoreCall, { effect }: CallFault): void {
    this.#sometimes.hit(`fault: ${effect}`)
    this.#note(call.life.name, `${call.op} meets ${effect}`)
  }

  handlerStarted(run: HandlerRun): void {
    this.#note(`p${run.process}`, `handler ${run.jobId}/${run.attempt} starts`)
  }

  handlerEnded(run: HandlerRun): void {
    this.#note(`p${run.process}`, `handler ${run.jobId}/${run.attempt} ends: ${run.outcome}`)
  }
}

function summary(call: StoreCall, reply: unknown): string {
  switch (call.op) {
    case "exchange": {
      const [{ settlements, repeat }] = call.args as [ExchangeRequest]
      const { settled, claimed, workerLost } = reply as ExchangeReply
      const out = settlements.map(
        ({ attempt, settlement }, i) =>
          `${attempt.jobId}/${attempt.attempt}>${settlement.to}=${settled[i]}`,
      )
      const got = claimed.map(({ jobId, attempt }) => `${jobId}/${attempt}`)
      return `${repeat ? "repeat " : ""}[${out.join(" ")}] [${got.join(" ")}]${workerLost ? " lost" : ""}`
    }
    case "enqueue":
      return (reply as readonly EnqueueOutcome[])
        .map(({ id, status }) => `${id}:${status}`)
        .join(" ")
    case "beat":
    case "edit":
    case "progress":
    case "appendLog":
      return String(reply)
    case "rescue":
    case "act":
    case "setQueue":
      return JSON.stringify(reply)
    default:
      return ""
  }
}
