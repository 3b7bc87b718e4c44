import { expect } from "vitest"
import type {
  ClaimedJob,
  ExchangeReply,
  ExchangeRequest,
  PeekReply,
  Settlement,
  SettleStatus,
  Store,
  WorkerRef,
} from "drover/store"

/** What a test claims; absent fields are the ordinary case. */
export interface ClaimWish {
  readonly queue?: string
  readonly kinds?: readonly string[]
  readonly limit?: number
  readonly solo?: boolean
  readonly token?: number
}

let lastToken = 1_000

/** A token that no other claim of this run has. */
export function freshToken(): number {
  return ++lastToken
}

/** A registered worker that does by hand what the runtime does: claim, settle, beat, peek. */
export class TestWorker {
  readonly store: Store
  readonly ref: WorkerRef

  constructor(store: Store, ref: WorkerRef) {
    this.store = store
    this.ref = ref
  }

  get id(): string {
    return this.ref.workerId
  }

  exchange(request: Partial<ExchangeRequest>): Promise<ExchangeReply> {
    return this.store.exchange({
      worker: this.ref,
      settlements: [],
      claims: [],
      token: freshToken(),
      repeat: false,
      solo: false,
      ...request,
    })
  }

  /** Claims under a fresh lease, as a worker does that beats all the time. */
  async claim(wish: ClaimWish = {}): Promise<readonly ClaimedJob[]> {
    expect(await this.beat()).toBe("held")
    const { queue = "default", kinds = ["mail"], limit = 100, solo = false } = wish
    const token = wish.token ?? freshToken()
    const claimed: ClaimedJob[] = []
    let mayHaveMore = true
    while (mayHaveMore && claimed.length < limit) {
      const claims = [{ queue, kinds, limit: limit - claimed.length }]
      const reply = await this.exchange({ claims, solo, token })
      expect(reply.workerLost).toBe(false)
      claimed.push(...reply.claimed)
      mayHaveMore = reply.more?.includes(queue) === true
      // Else whoever asks again for more would never come to an end.
      if (mayHaveMore) expect(reply.claimed.length).toBeGreaterThan(0)
    }
    expect(claimed.length).toBeLessThanOrEqual(limit)
    for (const job of claimed) expect(job.token).toBe(token)
    return claimed
  }

  /** Claims one job and insists on it. */
  async claimOne(wish: ClaimWish = {}): Promise<ClaimedJob> {
    const [job] = await this.claim({ limit: 1, ...wish })
    if (job === undefined) throw new Error("there was nothing to claim")
    return job
  }

  async settle(attempt: ClaimedJob, settlement: Settlement): Promise<SettleStatus> {
    const reply = await this.exchange({ settlements: [{ attempt, settlement }] })
    expect(reply.settled).toHaveLength(1)
    return reply.settled[0] as SettleStatus
  }

  peek(queue = "default", kinds: readonly string[] = ["mail"]): Promise<PeekReply> {
    return this.store.peek({ worker: this.ref, queues: [{ queue, kinds }] })
  }

  beat(leaseMs = 30_000): Promise<"held" | "lost"> {
    return this.store.beat(this.ref, leaseMs)
  }

  retire(): Promise<void> {
    return this.store.retireWorker(this.ref)
  }
}
