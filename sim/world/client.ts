import { schedule } from "drover"
import type { Drover, JobDefinition } from "drover"
import type { Store } from "../../packages/drover/src/store/index.ts"
import type { SeededRng } from "../../packages/drover/src/time/index.ts"
import type { Life } from "../engine/life.ts"
import { herdSteps } from "../workload/drawActions.ts"
import { limitNames, queuesOf } from "../workload/limits.ts"
import { retiming, schedulePlans } from "../workload/schedules.ts"
import type { Action, JobPlan, KindName } from "../workload/plan.ts"
import type { PlannedInput } from "./handlers.ts"

type TransactionEnd = Extract<Action, { readonly do: "transact" }>["end"]

/** Where an action is done: a process that is up. */
export interface ClientPlace {
  readonly life: Life
  readonly drover: Drover
  readonly store: Store
  readonly crash: () => void
}

/** What the client tells the world about its jobs. */
export interface ClientBook {
  readonly definitions: ReadonlyMap<KindName, JobDefinition<PlannedInput>>
  /** Ids of the jobs whose enqueue was acknowledged, oldest first. */
  readonly known: readonly string[]
  /** Ids of jobs that wait or run now. */
  unfinished(): readonly string[]
  readonly isLimited: boolean
  /** An enqueue with this id is about to be sent. */
  intends(id: string): void
  acknowledged(id: string, herd: number | undefined): void
  /** Something that a full run must have met. */
  met(name: string): void
  /** An action ended with an error, which its caller would have seen. */
  gaveUp(action: string, error: unknown): void
}

// A client that got an error sends the same enqueue again: that is what ids are for.
const TRIES = 4
const RETRY_MS = 1_500

/** Does what a workload says, as programs and operators would. */
export class Client {
  readonly #book: ClientBook
  readonly #rng: SeededRng
  #herds = 0

  constructor(book: ClientBook, rng: SeededRng) {
    this.#book = book
    this.#rng = rng
  }

  /** Resolves when the action is over; never rejects. */
  async act(action: Action, place: ClientPlace): Promise<void> {
    try {
      await this.#act(action, place)
    } catch (error) {
      this.#book.gaveUp(action.do, error)
    }
  }

  /** Undoes what operators did to queues, and insists on it. */
  async open({ drover, life }: ClientPlace): Promise<void> {
    const { isLimited } = this.#book
    for (const queue of Object.keys(queuesOf(isLimited))) {
      await this.#insist(life, () => drover.resumeQueue(queue))
      await this.#insist(life, () => drover.resizeQueue(queue, null))
    }
    for (const { name } of schedulePlans) {
      await this.#insist(life, () => drover.schedules.resume(name))
    }
    for (const name of isLimited ? limitNames : []) {
      await this.#insist(life, () => drover.clearLimit(name))
    }
  }

  /** Enqueues a job that the machine has nothing to do beside. @returns its id. */
  async probe(delayMs: number, { drover }: ClientPlace): Promise<string> {
    const definition = this.#book.definitions.get("sim.work")!
    const steps = [{ ms: 5, then: "complete", deaf: false, noisy: false }] as const
    const options = {
      id: this.#newId(drover),
      ...(delayMs > 0 ? { runIn: delayMs } : {}),
    }
    const { id } = await drover.enqueue(definition, { steps }, options)
    this.#book.acknowledged(id, undefined)
    return id
  }

  async #act(action: Action, place: ClientPlace): Promise<void> {
    const { drover } = place
    switch (action.do) {
      case "enqueue":
        await this.#enqueue(action.jobs, place)
        break
      case "herd":
        await this.#herd(action.count, place)
        break
      case "transact":
        await this.#transact(action.job, action.end, place)
        break
      case "edit": {
        const id = this.#pick(action.pick)
        if (id !== undefined) await drover.edit(id, { priority: 7, runIn: 500 })
        break
      }
      case "cancel":
      case "retry":
      case "discard":
      case "delete": {
        const id = this.#pick(action.pick)
        if (id !== undefined) await drover[action.do](id, { reason: `${action.do} by simulation` })
        break
      }
      case "pause":
        await this.#insist(place.life, () => drover.pauseQueue(action.queue))
        break
      case "resume":
        await this.#insist(place.life, () => drover.resumeQueue(action.queue))
        break
      case "resize":
        await drover.resizeQueue(action.queue, action.slots)
        break
      case "age":
        await drover.ageQueue(action.queue, action.everyMs)
        break
      case "look":
        await this.#look(place.store, this.#pick(action.pick))
        break
      case "limit":
        await this.#limit(action.limit, action.max, place)
        break
      case "tend":
        await this.#tend(action.what, action.schedule, place)
        break
      case "retime":
        if (action.timing === null) await drover.schedules.reset(action.schedule)
        else await drover.schedules.edit(action.schedule, retiming(action.timing))
        break
      case "await": {
        const id = this.#pick(action.pick)
        if (id !== undefined) await drover.job(id).result({ timeout: "2m" })
        break
      }
    }
  }

  async #enqueue(jobs: readonly JobPlan[], { drover, life }: ClientPlace): Promise<void> {
    const [first] = jobs
    if (first === undefined) return
    const definition = this.#book.definitions.get(first.kind)!
    const items = jobs.map((job) => ({
      input: inputOf(job),
      options: { id: this.#newId(drover), ...optionsOf(job) },
    }))
    const handles = await this.#insist(life, async () => {
      const [item] = items
      if (items.length > 1 || item === undefined) return drover.enqueueMany(definition, items)
      return [await drover.enqueue(definition, item.input, item.options)]
    })
    for (const { id } of handles) this.#book.acknowledged(id, undefined)
  }

  #newId(drover: Drover): string {
    const id = drover.newId()
    this.#book.intends(id)
    return id
  }

  async #herd(count: number, { drover, life }: ClientPlace): Promise<void> {
    const definition = this.#book.definitions.get("sim.herd")!
    const herd = ++this.#herds
    const jobs = Array.from({ length: count }, () => ({
      input: { steps: herdSteps },
      options: { id: this.#newId(drover) },
    }))
    const handles = await this.#insist(life, () => drover.enqueueMany(definition, jobs))
    for (const { id } of handles) this.#book.acknowledged(id, herd)
  }

  async #transact(job: JobPlan, end: TransactionEnd, place: ClientPlace): Promise<void> {
    const { drover, life, crash } = place
    const definition = this.#book.definitions.get(job.kind)!
    const options = { id: this.#newId(drover), ...optionsOf(job) }
    const handle = await drover.transaction(async (tx) => {
      const made = await tx.enqueue(definition, inputOf(job), options)
      await life.sleep(20 * this.#rng.next())
      if (end === "crash") crash()
      if (end === "rollback") throw new Error("simulated rollback")
      // A dead process goes no further; a signal would not let it either.
      if (life.isDead) await new Promise(() => {})
      return made
    })
    this.#book.acknowledged(handle.id, undefined)
  }

  async #limit(name: string, max: number | null, { drover, life }: ClientPlace): Promise<void> {
    if (max === null) await this.#insist(life, () => drover.clearLimit(name))
    else if (name.includes("#fair")) await drover.setLimit(name, { weights: { ann: max + 1 } })
    else await drover.setLimit(name, { limit: max })
  }

  async #tend(
    what: Extract<Action, { readonly do: "tend" }>["what"],
    name: string,
    { drover, life }: ClientPlace,
  ): Promise<void> {
    const { schedules } = drover
    if (what === "deploy") await drover.deploySchedules()
    else if (what === "trigger") await schedules.trigger(name)
    else if (what === "edit") {
      await schedules.edit(name, { priority: Math.floor(1_000 * this.#rng.next()) })
    } else if (what === "remake") {
      const [job] = this.#book.definitions.values()
      const input = { steps: [] }
      const made = schedule(`made-${Math.floor(1e9 * this.#rng.next())}`, {
        every: "1d",
        job: job!,
        input,
      })
      await schedules.create(made)
      await schedules.remove(made.name)
    } else await this.#insist(life, () => schedules[what](name))
  }

  /** What a dashboard asks. */
  async #look(store: Store, id: string | undefined): Promise<void> {
    await store.now()
    await store.migrations()
    await store.list({ kinds: ["sim.work"] }, { limit: 20, after: null })
    await store.count({ states: ["running"] }, 100)
    await store.queueCounts(100)
    await store.workers()
    await store.queueSettings()
    await store.leader()
    await store.samples({ queue: null, sinceMs: 3_600_000, limit: 100 })
    await store.doctor()
    await store.trailAfter(null, 10)
    for (const { name } of await store.schedules({ after: null, limit: 10 })) {
      await store.schedule(name)
      await store.scheduleTicks({ name, limit: 10, before: null })
    }
    await store.scheduleChanges({ name: null, limit: 10, before: null })
    if (this.#book.isLimited) await store.limits(10)
    if (id === undefined) return
    await store.get(id)
    await store.trail(id)
    await store.log(id)
  }

  async #insist<T>(life: Life, call: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await call()
      } catch (error) {
        if (tries === TRIES) throw error
        await life.sleep(RETRY_MS * this.#rng.next())
      }
    }
  }

  /** Mostly a job that is not finished: of the others little can be changed. */
  #pick(pick: number): string | undefined {
    const unfinished = this.#book.unfinished()
    const list = unfinished.length > 0 && this.#rng.next() < 0.8 ? unfinished : this.#book.known
    return list[Math.floor(pick * list.length)]
  }
}

function inputOf({ steps, tenant }: JobPlan): PlannedInput {
  return tenant === null ? { steps } : { steps, tenant }
}

function optionsOf(job: JobPlan): Parameters<Drover["enqueue"]>[2] & object {
  const { unique } = job
  return {
    priority: job.priority,
    ...(job.delayMs > 0 ? { runIn: job.delayMs } : {}),
    expireIn: job.expireMs,
    ...(unique === null
      ? {}
      : {
          unique: {
            key: unique.key,
            mode: unique.mode,
            ...(unique.forMs === null ? {} : { for: unique.forMs }),
          },
        }),
  }
}
