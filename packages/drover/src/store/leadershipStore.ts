import type { JobState } from "./jobState.ts"

/** One leadership, as its holder names it in every write that only the leader may make. */
export interface TermRef {
  /** Issued by the store; it only grows, whatever happens to leaders, clocks and processes. */
  readonly term: number
  /** Random, made by whoever bid: a term number that a restored backup issues a second time is another term. */
  readonly token: number
}

/** Who wants to lead. */
export interface Candidate {
  /** Another one for each client and each of its lives. */
  readonly id: string
  readonly host: string
  readonly pid: number
  /** JSON text shown to operators. */
  readonly info: string
}

/** The current term and who holds it. */
export interface LeaderRow extends Candidate {
  readonly term: number
  readonly electedAt: number
  readonly renewedAt: number
  /** The term ends here unless it is renewed. */
  readonly untilAt: number
}

/** A try to become the leader. */
export interface BidRequest {
  readonly candidate: Candidate
  /** Of the term that this bid would begin. Sent again with the same token, it is the same bid. */
  readonly token: number
  readonly ttlMs: number
}

/** What became of a bid. */
export type BidReply =
  | { readonly won: true; readonly term: number }
  | {
      readonly won: false
      readonly leader: LeaderRow
      /** How long the leader's term still lasts by the store's clock, if it is not renewed. */
      readonly leftMs: number
    }

/** The reply to a write that only the leader may make. After "term_ended" nothing was changed. */
export type Fenced<T> = T | "term_ended"

/** Whether a periodic service of the leader is due. */
export interface Turn {
  readonly due: boolean
  /** Until the next turn: a whole interval when this one was taken. */
  readonly nextInMs: number
}

/** What a queue looked like at one instant. Counts stop at the cap of the sample. */
export interface QueueSample {
  readonly at: number
  readonly queue: string
  readonly counts: Readonly<Record<JobState, number>>
  /** How long the oldest job that was due had waited; `null` when none was due. */
  readonly oldestWaitMs: number | null
}

/** How much one cleaning removed. */
export interface CleanReply {
  /** Rows of workers that ended before everything the trail still tells. */
  readonly workers: number
  /** Rows of queues of which nothing is stored any more. */
  readonly queues: number
}

/** What was done to indexes. */
export interface IndexWork {
  /** Indexes that were much larger than their rows need. */
  readonly rebuilt: readonly string[]
  /** What earlier rebuilds that were cut short had left behind. */
  readonly dropped: readonly string[]
}

/**
 * Leadership, and the writes that only a leader makes. A term lives from the bid that won it until it is resigned,
 * its time is over by the store's clock, or its holder is proved dead; then it is ended for ever. Every fenced write
 * checks in its own transaction that its term lives, so nothing of an old term lands after a new one began.
 */
export interface LeadershipStore {
  /**
   * Begins a new term for the candidate if no term lives. Sent again under the token of the term that lives, it is
   * that term, with its time counted anew. It reads first, and writes nothing when it cannot win.
   */
  bid(request: BidRequest): Promise<BidReply>
  /** Prolongs a term from now. "ended" is for ever: a term is never revived. */
  renewTerm(term: TermRef, ttlMs: number): Promise<"held" | "ended">
  /** Ends this term and no other, so that others may lead at once. */
  resignTerm(term: TermRef): Promise<"resigned" | "ended">
  /** Who leads now; `null` when no term lives. */
  leader(): Promise<LeaderRow | null>
  /**
   * Whether a service of the leader is due, at most once in each interval over all leaders: the stamp of its last
   * turn is kept in the store and set anew by each turn that is due.
   */
  claimTurn(request: {
    readonly term: TermRef
    readonly service: string
    readonly everyMs: number
  }): Promise<Fenced<Turn>>
  /**
   * Removes what nothing refers to any more: workers that ended before the oldest entry of the trail, and rows of
   * queues that say nothing, after `idleMs` without a change. At most `limit` of each.
   */
  clean(request: {
    readonly term: TermRef
    readonly idleMs: number
    readonly limit: number
  }): Promise<Fenced<CleanReply>>
  /** Keeps what the caller counted, stamped with the store's time, and forgets samples older than `keepMs`, at most `limit` of them. */
  addSamples(request: {
    readonly term: TermRef
    readonly samples: readonly Omit<QueueSample, "at">[]
    readonly keepMs: number
    readonly limit: number
  }): Promise<Fenced<{ readonly forgotten: number }>>
  /**
   * Rebuilds the index that needs it most, if one does, beside all other work, and clears away what rebuilds that were
   * cut short left behind; also its own, when the signal aborts. Absent where indexes do not bloat.
   */
  keepIndexes?(request: {
    readonly term: TermRef
    readonly signal: AbortSignal
  }): Promise<Fenced<IndexWork>>
  /** Samples of the last `sinceMs`, oldest first; of one queue, or with `null` of all. At most `limit`, the newest. */
  samples(request: {
    readonly queue: string | null
    readonly sinceMs: number
    readonly limit: number
  }): Promise<readonly QueueSample[]>
}
