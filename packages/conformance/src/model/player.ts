import { expect } from "vitest"
import { isFinal, isWaiting } from "drover/store"
import type { ClaimedJob, Settlement, Store } from "drover/store"
import { freshToken } from "../testWorker.ts"
import type { TestWorker } from "../testWorker.ts"
import { settlements } from "../world.ts"
import type { World } from "../world.ts"
import { agreedOfModel, agreedOfRow } from "./modelJob.ts"
import type { ModelJob } from "./modelJob.ts"
import { Oracle } from "./oracle.ts"
import type { Step, StepJob } from "./steps.ts"

const WORKERS = 3
const LEASE_MS = 30_500

type StepOf<K extends Step["step"]> = Extract<Step, { readonly step: K }>

/** Plays a history on the store and on the oracle, and insists that both agree after every step. */
export class Player {
  readonly #world: World
  readonly #oracle = new Oracle()
  readonly #workers: TestWorker[] = []
  readonly #attempts: ClaimedJob[] = []
  readonly #seen: Set<string>

  /** @param seen collects what was seen to happen, over all histories. */
  constructor(world: World, seen: Set<string>) {
    this.#world = world
    this.#seen = seen
  }

  async play(history: readonly Step[]): Promise<void> {
    await this.#clean()
    this.#oracle.now = await this.#world.store.now()
    while (this.#workers.length < WORKERS) await this.#hire(this.#workers.length)
    for (const step of history) {
      await this.#take(step)
      await this.#compare(step)
    }
  }

  /** Leaves nothing of an earlier history. */
  async #clean(): Promise<void> {
    const { store } = this.#world
    const workerIds = (await store.workers()).map(({ workerId }) => workerId)
    await this.#world.rescue({ deadWorkers: workerIds, expiredLeases: true, limit: 1_000 })
    await store.act("delete", {}, { actor: "model", reason: "clean", limit: 1_000 })
    for (const queue of ["q", "r"]) await store.setQueue(queue, { paused: false }, "model")
    expect(await store.count({}, 10)).toBe(0)
  }

  async #hire(index: number): Promise<void> {
    const worker = await this.#world.worker(this.#store(index), LEASE_MS)
    this.#workers[index] = worker
    this.#oracle.workers.set(worker.id, this.#oracle.now + LEASE_MS)
  }

  #store(process: number): Store {
    return process % 2 === 0 ? this.#world.store : this.#world.other
  }

  async #compare(step: Step): Promise<void> {
    const rows = await this.#world.allJobs()
    for (const row of rows) this.#oracle.adopt(row)
    const expected = [...this.#oracle.jobs.values()].map(agreedOfModel)
    expect(rows.map(agreedOfRow), JSON.stringify(step)).toEqual(
      expected.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    )
    const workers = (await this.#world.other.workers()).map(({ workerId }) => workerId)
    expect(workers.toSorted()).toEqual([...this.#oracle.workers.keys()].toSorted())
  }

  #take(step: Step): Promise<void> {
    switch (step.step) {
      case "enqueue":
        return this.#enqueue(step)
      case "enqueueAgain":
        return this.#enqueueAgain(step)
      case "claim":
        return this.#claim(step)
      case "settle":
        return this.#settle(step)
      case "progress":
      case "log":
        return this.#note(step)
      case "advance":
        return this.#advance(step.ms)
      case "beat":
        return this.#beat(step.worker)
      case "retire":
        return this.#retire(step.worker)
      case "rescue":
        return this.#rescue(step)
      case "act":
        return this.#act(step)
      case "edit":
        return this.#edit(step)
      case "pause":
        return this.#pause(step)
      case "expire":
        return this.#expire(step.process)
      case "prune":
        return this.#prune(step.process)
    }
  }

  async #enqueue({ process, jobs }: StepOf<"enqueue">): Promise<void> {
    const batch = jobs.map((job: StepJob) => {
      const { key, ...fields } = job
      return this.#world.job({ ...fields, unique: key === null ? null : this.#world.unique(key) })
    })
    const outcomes = await this.#store(process).enqueue(batch)
    const expected = batch.map((job) => {
      const holder = job.unique === null ? undefined : this.#oracle.holderOf(job.unique.label)
      const status = this.#oracle.enqueue(job)
      const id = status === "duplicate" ? holder?.id : job.id
      return { id, status, state: expect.any(String) }
    })
    expect(outcomes).toEqual(expected)
    for (const { status } of outcomes) this.#seen.add(`enqueue ${status}`)
  }

  async #enqueueAgain({ pick }: StepOf<"enqueueAgain">): Promise<void> {
    const job = this.#pickJob(pick)
    if (job === undefined) return
    const unique = job.key === null ? null : this.#world.unique(job.key)
    const [outcome] = await this.#world.store.enqueue([
      this.#world.job({ id: job.id, kind: job.kind, queue: job.queue, unique }),
    ])
    expect(outcome).toMatchObject({ id: job.id, status: "repeated" })
    this.#seen.add("enqueue repeated")
  }

  async #claim({ worker, queue, kinds, limit, solo }: StepOf<"claim">): Promise<void> {
    const hired = this.#worker(worker)
    const token = freshToken()
    const claims = [{ queue, kinds, limit }]
    const reply = await hired.exchange({ claims, token, solo })
    const isLost = !this.#oracle.workers.has(hired.id)
    const ids = this.#oracle.claim({ workerId: hired.id, token, queue, kinds, limit, solo })
    expect(reply.workerLost).toBe(isLost)
    expect(reply.claimed.map(({ jobId }) => jobId)).toEqual(ids)
    this.#attempts.push(...reply.claimed)
    if (ids.length > 0) this.#seen.add(solo ? "claim alone" : "claim")
    if (isLost) this.#seen.add("claim of a lost worker")
  }

  async #settle({ pick, worker, to, delayMs }: StepOf<"settle">): Promise<void> {
    const attempt = this.#pickAttempt(pick)
    if (attempt === undefined) return
    const plain: Settlement = settlements[to]
    const settlement = "delayMs" in plain ? { ...plain, delayMs } : plain
    const { settled } = await this.#worker(worker).exchange({
      settlements: [{ attempt, settlement }],
    })
    const allowed = this.#oracle.settle(attempt, settlement)
    expect(allowed, `settle as ${to}`).toContain(settled[0])
    this.#seen.add(`settle ${settled[0]}`)
    if (settled[0] === "settled") this.#seen.add(`settle as ${to}`)
  }

  async #note({ step, pick, process }: StepOf<"progress" | "log">): Promise<void> {
    const attempt = this.#pickAttempt(pick)
    if (attempt === undefined) return
    const store = this.#store(process)
    const held = this.#oracle.held(attempt)
    const line = {
      attempt: attempt.attempt,
      at: 1,
      level: "info",
      message: "m",
      fields: null,
    } as const
    const value = String(attempt.token)
    const reply =
      step === "progress"
        ? await store.progress(attempt, value)
        : await store.appendLog(attempt, [line], 1)
    expect(reply).toBe(held === undefined ? "fenced" : "stored")
    this.#seen.add(`${step} ${reply}`)
    if (held === undefined) return
    if (step === "progress") held.progress = value
    else {
      held.logLines++
      held.dropped++
      const { lines, dropped } = await store.log(held.id)
      expect([lines.length, dropped]).toEqual([held.logLines, held.dropped])
    }
  }

  async #advance(ms: number): Promise<void> {
    await this.#world.advance(ms)
    this.#oracle.now += ms
    expect(await this.#world.store.now()).toBe(this.#oracle.now)
  }

  async #beat(index: number): Promise<void> {
    const worker = this.#worker(index)
    const isLive = this.#oracle.workers.has(worker.id)
    const reply = await worker.beat(LEASE_MS)
    expect(reply).toBe(isLive ? "held" : "lost")
    this.#seen.add(`beat ${reply}`)
    if (isLive) this.#oracle.workers.set(worker.id, this.#oracle.now + LEASE_MS)
    else await this.#hire(index % WORKERS)
  }

  async #retire(index: number): Promise<void> {
    const worker = this.#worker(index)
    const isBusy = [...this.#oracle.jobs.values()].some(({ workerId }) => workerId === worker.id)
    await worker.retire()
    this.#oracle.retire(worker.id)
    if (isBusy) this.#seen.add("retire with jobs")
  }

  async #rescue({ dead, process }: StepOf<"rescue">): Promise<void> {
    const deadWorkers = dead === null ? [] : [this.#worker(dead).id]
    const options = { deadWorkers, expiredLeases: true, limit: 1_000 }
    const rescued = await this.#world.rescue(options, this.#store(process))
    const ids = this.#oracle.rescue(deadWorkers)
    expect(rescued.map(({ jobId }) => jobId).toSorted()).toEqual(ids.toSorted())
    for (const { jobId, state, crashes } of rescued) {
      const job = this.#oracle.jobs.get(jobId)
      expect({ jobId, state, crashes }).toEqual({ jobId, state: job?.state, crashes: job?.crashes })
      this.#seen.add(`rescue to ${state}`)
    }
  }

  async #act({ action, pick, running }: StepOf<"act">): Promise<void> {
    const job = this.#pickJob(pick, running)
    if (job === undefined) return
    // Who gets a key that both want is the subject of rules of its own.
    const isHeldByAnother =
      isFinal(job.state) && job.key !== null && this.#oracle.holderOf(job.key) !== undefined
    if (action === "retry" && isHeldByAnother) return
    const reply = await this.#world.act(action, [job.id], this.#store(pick))
    expect(reply, action).toEqual(this.#oracle.act(action, job.id))
    for (const [what, ids] of Object.entries(reply)) {
      if ((ids as readonly string[]).length > 0) this.#seen.add(`${action} ${what}`)
    }
  }

  async #edit({ pick, priority, queue, delayMs }: StepOf<"edit">): Promise<void> {
    const job = this.#pickJob(pick)
    if (job === undefined || job.expiresAt !== null) return
    const patch = { priority, queue, ...(delayMs === null ? {} : { delayMs }) }
    const reply = await this.#store(pick).edit(job.id, patch, "model")
    this.#seen.add(`edit ${reply}`)
    expect(reply).toBe(isWaiting(job.state) ? "edited" : "wrong_state")
    if (!isWaiting(job.state)) return
    Object.assign(job, { priority, queue, touched: true })
    if (delayMs === null) return
    job.runAt = this.#oracle.now + delayMs
    if (job.state !== "retryable") job.state = delayMs > 0 ? "scheduled" : "available"
  }

  async #pause({ queue, paused }: StepOf<"pause">): Promise<void> {
    const settings = await this.#world.other.setQueue(queue, { paused }, "model")
    expect(settings).toMatchObject({ queue, paused })
    if (paused) this.#oracle.paused.add(queue)
    else this.#oracle.paused.delete(queue)
    this.#seen.add(paused ? "pause" : "resume")
  }

  async #expire(process: number): Promise<void> {
    const gone = (await this.#world.expire(1_000, this.#store(process))).map(({ jobId }) => jobId)
    expect(gone.toSorted()).toEqual(this.#oracle.expire().toSorted())
    if (gone.length > 0) this.#seen.add("expire")
  }

  async #prune(process: number): Promise<void> {
    const keep = { discardedMs: false, cancelledMs: false, bytes: false } as const
    const retention = { ...keep, completedMs: 500 }
    const { jobs } = await this.#world.prune(retention, 1_000, this.#store(process))
    expect(jobs).toBe(this.#oracle.prune(500))
    if (jobs > 0) this.#seen.add("prune")
  }

  #worker(index: number): TestWorker {
    return this.#workers[index % WORKERS] as TestWorker
  }

  #pickJob(pick: number, running = false): ModelJob | undefined {
    const all = [...this.#oracle.jobs.values()]
    const jobs = running ? all.filter(({ state }) => state === "running") : all
    return jobs[pick % Math.max(1, jobs.length)]
  }

  #pickAttempt(pick: number): ClaimedJob | undefined {
    const count = this.#attempts.length
    return this.#attempts[count - 1 - (pick % Math.max(1, count))]
  }
}
