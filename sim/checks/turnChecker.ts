import type {
  LimitDeclaration,
  LimitId,
  LimitSetting,
} from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import { FAIR_LIMIT, LIMITED_QUEUE, LONGEST_WINDOW_MS } from "../workload/limits.ts"
import type { Checker } from "./checker.ts"
import type { JobRecord, Move } from "./jobRecord.ts"
import { LimitModel } from "./limitModel.ts"
import { LoneClaim } from "./loneClaim.ts"
import type { Claim } from "./loneClaim.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

/**
 * The keys of a fair queue take turns. While jobs of a key might start, every other key has at most as many starts
 * between two of its own as its weight is greater, and one more: nobody waits for more than one round of the others,
 * also not when it has just come, and nobody has saved turns up. Jobs that run alone are claimed apart, so each start of
 * one begins the count anew; so does whatever happens beside a claim, because it cannot be told what the claim saw.
 */
export class TurnChecker implements Checker {
  readonly name = "turns"
  readonly #sometimes: Sometimes
  readonly #jobs: () => Iterable<JobRecord>
  readonly #model: LimitModel = new LimitModel()
  /** By a key that might start: how often each of the others did, since then or since its own last start. */
  readonly #passedBy: Map<string, Map<string, number>> = new Map()
  /** Each key's weight at its last start: it decides when its next turn comes. */
  readonly #weights: Map<string, number> = new Map()
  readonly #moved: Map<string, { readonly move: Move; readonly job: JobRecord }> = new Map()
  readonly #claims: LoneClaim = new LoneClaim()

  constructor(sometimes: Sometimes, jobs: () => Iterable<JobRecord>) {
    this.#sometimes = sometimes
    this.#jobs = jobs
  }

  executed(call: StoreCall, reply: unknown): void {
    this.#claims.executed(call, reply)
    if (call.op === "declareLimits") this.#model.declare(call.args[0] as LimitDeclaration)
    if (call.op === "setLimit") {
      const [limit, setting] = call.args as [LimitId, LimitSetting | null]
      this.#model.set(limit, setting)
      this.#passedBy.clear()
    }
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    const job = after ?? before
    if (job?.queue !== LIMITED_QUEUE) return
    if (move.from === "running") this.#model.ended(job.seq)
    if (move.to === "running") this.#moved.set(job.id, { move, job })
  }

  settled(): void {
    const claim = this.#claims.settled()
    if (this.#moved.size > 0) this.#judge(claim)
  }

  #judge(claim: Claim | undefined): void {
    const { claimed = [] } = claim?.reply ?? {}
    const started = claimed.flatMap(({ jobId }) => this.#moved.get(jobId) ?? [])
    const isTold =
      claim?.request.solo === false && !claim.request.repeat && started.length === this.#moved.size
    const waiting = new Set(
      isTold ? [...this.#jobs()].filter(isWaiting).concat(started.map(({ job }) => job)) : [],
    )
    if (!isTold) this.#passedBy.clear()
    // In the order in which the claim took them, which the trail does not tell.
    for (const { move, job } of isTold ? started : this.#moved.values()) {
      if (isTold) this.#start(job, move.at, waiting)
      else this.#weights.set(keyOf(job), this.#weightOf(keyOf(job)))
      waiting.delete(job)
      this.#model.started(job, move.at)
      this.#model.forgetBefore(move.at - LONGEST_WINDOW_MS)
    }
    this.#moved.clear()
  }

  #start(job: JobRecord, at: number, waiting: ReadonlySet<JobRecord>): void {
    const key = keyOf(job)
    const mayStart = new Set<string>()
    for (const other of waiting) {
      if (mayStart.has(keyOf(other))) continue
      if (this.#model.blocking(other, at) === undefined) mayStart.add(keyOf(other))
    }
    for (const other of this.#passedBy.keys()) {
      if (!mayStart.has(other)) this.#passedBy.delete(other)
    }
    for (const other of mayStart) {
      if (other === key) continue
      const passed = this.#passedBy.get(other) ?? new Map<string, number>()
      this.#passedBy.set(other, passed)
      const times = (passed.get(key) ?? 0) + 1
      passed.set(key, times)
      const share = this.#weightOf(key) / (this.#weights.get(other) ?? this.#weightOf(other))
      const most = Math.floor(share) + 1
      promise(
        times <= most,
        this.name,
        () => `key "${key}" had ${times} turns while "${other}" might start; its share is ${share}`,
      )
      if (times === most) this.#sometimes.hit("a key had all the turns that others left it")
    }
    if (mayStart.size > 1) this.#sometimes.hit("keys took turns")
    this.#passedBy.delete(key)
    this.#weights.set(key, this.#weightOf(key))
  }

  #weightOf(key: string): number {
    return this.#model.inForce(FAIR_LIMIT)?.weights?.[key] ?? 1
  }
}

// Available only: what is not due yet has no turn.
function isWaiting({ state, queue, crashes }: JobRecord): boolean {
  return state === "available" && queue === LIMITED_QUEUE && crashes === 0
}

/** The key by which a job takes turns; jobs without one share theirs. */
function keyOf({ keys }: JobRecord): string {
  return keys.find(([limit]) => limit === FAIR_LIMIT)?.[1] ?? ""
}
