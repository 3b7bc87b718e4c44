import type { ExchangeReply, ExchangeRequest } from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

interface Claim {
  readonly attempt: number
  readonly token: number | null
}

/**
 * An attempt is settled at most once, and only while it is the job's latest: a superseded attempt can never
 * change the job, however late it wakes up.
 */
export class FenceChecker implements Checker {
  readonly name = "fence"
  readonly #sometimes: Sometimes
  readonly #claims: Map<string, Claim> = new Map()
  readonly #settled: Set<string> = new Set()
  /** Settlements of this event, judged when its claims are known. */
  #pending: { readonly jobId: string; readonly attempt: number; readonly token: number }[] = []

  constructor(sometimes: Sometimes) {
    this.#sometimes = sometimes
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op !== "exchange") return
    const [{ settlements }] = call.args as [ExchangeRequest]
    const { settled } = reply as ExchangeReply
    promise(
      settled.length === settlements.length,
      this.name,
      () => `${settlements.length} settlements got ${settled.length} answers`,
    )
    settlements.forEach(({ attempt: { jobId, attempt, token } }, i) => {
      const status = settled[i]!
      if (status === "fenced") this.#sometimes.hit("settle of a superseded attempt was rejected")
      if (status === "repeated") this.#sometimes.hit("repeated settle was recognised")
      if (status === "fenced" || status === "repeated") return
      const key = `${jobId}/${attempt}/${token}`
      promise(
        !this.#settled.has(key),
        this.name,
        () => `attempt ${attempt} of job ${jobId} was settled twice`,
      )
      this.#settled.add(key)
      this.#pending.push({ jobId, attempt, token })
    })
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    if (move.from !== "running" || before?.state !== "running" || move.worker === null) return
    promise(
      move.worker === before.worker,
      this.name,
      () =>
        `worker ${move.worker} ended attempt ${move.attempt} of job ${after?.id}, which worker ${before.worker} holds`,
    )
  }

  changed(before: JobRecord | null, after: JobRecord, moves: readonly Move[]): void {
    for (const { jobId, attempt, token } of this.#pending) {
      if (jobId !== after.id) continue
      const held = before?.state === "running" ? before : this.#claims.get(jobId)
      const isLatest = held?.attempt === attempt && held.token === token
      // Claimed and settled within one event: the row of the claim itself was never seen.
      const unseen = moves.some((move) => move.to === "running" && move.attempt === attempt)
      promise(
        isLatest || unseen,
        this.name,
        () =>
          `attempt ${attempt} of job ${jobId} was settled although attempt ${held?.attempt} holds it`,
      )
    }
    if (after.state === "running") {
      this.#claims.set(after.id, { attempt: after.attempt, token: after.token })
    }
  }

  settled(): void {
    if (this.#pending.length > 0) this.#pending = []
  }
}
