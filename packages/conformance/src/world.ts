import { createHash } from "node:crypto"
import { expect } from "vitest"
import type {
  ActionReply,
  ClaimedJob,
  EnqueueOutcome,
  ExpiredJob,
  Fenced,
  JobAction,
  JobRow,
  JobState,
  NewJob,
  NewUnique,
  PruneReply,
  RescuedJob,
  RescueRequest,
  Retention,
  Settlement,
  Store,
  TermRef,
} from "drover/store"
import { auditJobs } from "./audit.ts"
import type { Harness, StoreProcess } from "./harness.ts"
import { freshToken, TestWorker, type ClaimWish } from "./testWorker.ts"

export const second = 1_000
export const minute: number = 60 * second
export const hour: number = 60 * minute

/** The lease of test workers. */
export const leaseMs: number = 30 * second

/** A settlement of each kind, as a handler's outcome would give it. */
export const settlements: {
  readonly [K in Settlement["to"]]: Extract<Settlement, { readonly to: K }>
} = {
  completed: { to: "completed", result: "1" },
  retryable: { to: "retryable", delayMs: minute, error: { name: "Error", message: "no" } },
  discarded: {
    to: "discarded",
    reason: "failed",
    failed: true,
    error: { name: "E", message: "x" },
  },
  cancelled: { to: "cancelled", reason: "cancelled by its handler", error: null },
  snoozed: { to: "snoozed", delayMs: minute, reason: "not yet" },
  interrupted: { to: "interrupted", reason: "shutdown" },
  crashed: { to: "crashed", reason: "thread died", error: null },
}

/** Each kind of settlement by name, for rules that hold for all of them. */
export const settlementKinds = Object.keys(settlements) as readonly Settlement["to"][]

/** A fresh database with its processes, and short words for what every rule does with them. */
export class World {
  readonly harness: Harness
  #ids = 0
  #workers = 0
  #term: Promise<TermRef> | undefined

  constructor(harness: Harness) {
    this.harness = harness
  }

  /** The first process's store. */
  get store(): Store {
    return this.harness.processes[0].store
  }

  /** Another process's store over the same database. */
  get other(): Store {
    return this.harness.processes[1].store
  }

  process(index: number): StoreProcess {
    const process = this.harness.processes[index]
    if (process === undefined) throw new Error(`the harness has no process ${index}`)
    return process
  }

  advance(ms: number): Promise<void> {
    return this.harness.advance(ms)
  }

  /** A UUIDv7, greater than all before it. */
  id(): string {
    return `019b0000-0000-7000-8000-${(++this.#ids).toString(16).padStart(12, "0")}`
  }

  job(over: Partial<NewJob> = {}): NewJob {
    return {
      id: this.id(),
      kind: "mail",
      queue: "default",
      priority: 1,
      input: "{}",
      delayMs: 0,
      runAt: null,
      expireMs: null,
      maxAttempts: 5,
      maxCrashes: 3,
      timeoutMs: null,
      retry: null,
      tags: [],
      metadata: null,
      unique: null,
      ...over,
    }
  }

  jobs(count: number, over: Partial<NewJob> = {}): readonly NewJob[] {
    return Array.from({ length: count }, () => this.job(over))
  }

  unique(key: string, over: Partial<NewUnique> = {}): NewUnique {
    const states = ["scheduled", "available", "running", "retryable"] as const
    return {
      hash: createHash("sha256").update(key).digest(),
      label: key,
      mode: "skip",
      states,
      forMs: null,
      maxWaitMs: null,
      ...over,
    }
  }

  /** Enqueues one job. */
  async enqueue(over: Partial<NewJob> = {}, store: Store = this.store): Promise<EnqueueOutcome> {
    const [outcome] = await store.enqueue([this.job(over)])
    if (outcome === undefined) throw new Error("enqueue gave no outcome")
    return outcome
  }

  async worker(store: Store = this.store, leaseFor: number = leaseMs): Promise<TestWorker> {
    const workerId = `worker-${++this.#workers}`
    const token = freshToken()
    const ref = await store.registerWorker({
      workerId,
      token,
      leaseMs: leaseFor,
      host: "testhost",
      pid: 4_000_000 + this.#workers,
      info: "{}",
    })
    expect(ref).toMatchObject({ workerId, token })
    return new TestWorker(store, ref)
  }

  /** A job that is running, with the worker that runs it. */
  async running(over: Partial<NewJob> = {}, wish: ClaimWish = {}): Promise<RunningJob> {
    const { id } = await this.enqueue(over)
    const worker = await this.worker()
    const attempt = await worker.claimOne({
      kinds: [over.kind ?? "mail"],
      queue: over.queue ?? "default",
      ...wish,
    })
    expect(attempt.jobId).toBe(id)
    return { id, worker, attempt }
  }

  /** A job brought into a state by the ways that lead there. */
  async jobIn(state: JobState, over: Partial<NewJob> = {}): Promise<string> {
    if (state === "scheduled") return (await this.enqueue({ delayMs: hour, ...over })).id
    if (state === "available") return (await this.enqueue(over)).id
    const { id, worker, attempt } = await this.running(over)
    if (state !== "running") {
      expect(await worker.settle(attempt, settlements[state])).toBe("settled")
    }
    expect((await this.get(id)).state).toBe(state)
    return id
  }

  async get(id: string, store: Store = this.store): Promise<JobRow> {
    const row = await store.get(id)
    if (row === null) throw new Error(`job ${id} is not there`)
    return row
  }

  async state(id: string): Promise<JobState> {
    return (await this.get(id)).state
  }

  act(
    action: JobAction,
    ids: readonly string[],
    store: Store = this.store,
    reason = "because",
  ): Promise<ActionReply> {
    return store.act(action, { ids }, { actor: "ann", reason, limit: 1_000 })
  }

  /** A term that outlasts every rule: what a rule does that is not about terms, it does as the leader. */
  term(): Promise<TermRef> {
    this.#term ??= this.#lead()
    return this.#term
  }

  /** Rescues as the leader. */
  async rescue(
    request: Omit<RescueRequest, "term">,
    store: Store = this.other,
  ): Promise<readonly RescuedJob[]> {
    return held(await store.rescue({ term: await this.term(), ...request }))
  }

  /** Expires as the leader. */
  async expire(limit: number, store: Store = this.other): Promise<readonly ExpiredJob[]> {
    return held(await store.expire({ term: await this.term(), limit }))
  }

  /** Prunes as the leader. */
  async prune(retention: Retention, limit: number, store: Store = this.other): Promise<PruneReply> {
    return held(await store.prune({ term: await this.term(), retention, limit }))
  }

  async #lead(): Promise<TermRef> {
    const candidate = { id: "world", host: "testhost", pid: 4_000_000, info: "{}" }
    const token = freshToken()
    const reply = await this.store.bid({ candidate, token, ttlMs: 100_000 * hour })
    if (!reply.won) throw new Error(`${reply.leader.id} leads`)
    return { term: reply.term, token }
  }

  /** Every job, oldest first. */
  async allJobs(store: Store = this.store): Promise<readonly JobRow[]> {
    const rows: JobRow[] = []
    let after: string | null = null
    do {
      const page = await store.list({}, { limit: 500, after })
      rows.push(...page.jobs)
      after = page.next
    } while (after !== null)
    return rows.toReversed()
  }

  /** All that the store says about its jobs, to compare before and after. */
  async snapshot(store: Store = this.store): Promise<unknown> {
    const jobs = await this.allJobs(store)
    const { entries } = await store.trailAfter(0, 100_000)
    const logs = await Promise.all(jobs.map(async ({ id }) => [id, await store.log(id)]))
    return { jobs, entries, logs }
  }

  /** Runs something that must leave every job, trail and log as it was. */
  async unchanged<T>(action: () => Promise<T>): Promise<T> {
    const before = await this.snapshot()
    const result = await action()
    expect(await this.snapshot()).toEqual(before)
    return result
  }

  /** What must hold at the end of every rule, whatever it did. */
  async audit(): Promise<void> {
    const { entries } = await this.store.trailAfter(0, 1_000_000)
    auditJobs(await this.allJobs(), entries)
    expect(await this.snapshot(this.other)).toEqual(await this.snapshot(this.store))
  }
}

function held<T>(reply: Fenced<T>): T {
  if (reply === "term_ended") throw new Error("the world's term has ended")
  return reply as T
}

/** A running attempt and who runs it. */
export interface RunningJob {
  readonly id: string
  readonly worker: TestWorker
  readonly attempt: ClaimedJob
}
