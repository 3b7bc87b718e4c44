import { isDroverError } from "drover"
import type { Drover, JobDefinition } from "drover"
import { randomBelow, systemClock } from "../../packages/drover/src/time/index.ts"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import type { OperatorArgs, Planned, Producer } from "../features/feature.ts"
import type { HistoryFile } from "../history/operation.ts"

const MOST_TRIES = 60
const ROLLBACK = new Error("rolled back as planned")

/** Writes jobs through a client and every call with its outcome to the history. */
export class HistoryProducer implements Producer {
  readonly rng: Rng
  readonly leaseMs: number
  readonly #drover: Drover
  readonly #history: HistoryFile
  readonly #definitions: ReadonlyMap<string, JobDefinition>
  readonly #calm: AbortSignal
  readonly #mayHoldOpen: boolean
  readonly #open: Set<Promise<unknown>> = new Set()

  constructor(parts: {
    readonly drover: Drover
    readonly history: HistoryFile
    readonly definitions: readonly JobDefinition[]
    readonly rng: Rng
    readonly leaseMs: number
    /** Whether a transaction that is open lets others write. */
    readonly mayHoldOpen: boolean
    /** Aborts when calls are to be repeated no more. */
    readonly calm: AbortSignal
  }) {
    this.#drover = parts.drover
    this.#history = parts.history
    this.#definitions = new Map(parts.definitions.map((each) => [each.kind, each]))
    this.rng = parts.rng
    this.leaseMs = parts.leaseMs
    this.#calm = parts.calm
    this.#mayHoldOpen = parts.mayHoldOpen
  }

  /** Resolves when no transaction is open any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#open)
  }

  // Properties, so that features can take them out of the producer.
  newId = (): string => this.#drover.newId()

  enqueue = async (jobs: readonly Planned[]): Promise<boolean> => {
    const ids = jobs.map(({ id }) => id)
    const call = this.#history.invoke("enqueue", { jobs: ids, kind: jobs[0]?.kind })
    const errors: string[] = []
    for (let tries = 1; tries <= MOST_TRIES && !this.#calm.aborted; tries++) {
      try {
        const duplicates = await this.#send(jobs)
        call.ok({ tries, duplicates, errors })
        return duplicates.length === 0
      } catch (error) {
        errors.push(codeOf(error))
      }
      await this.#pause(50 + randomBelow(this.rng, 200))
    }
    // Any of the tries may have been carried out.
    call.info({ errors })
    return false
  }

  transaction = (jobs: readonly Planned[], rollback: boolean): Promise<boolean> =>
    this.#transact(jobs, { rollback, openMs: 0 })

  late = (jobs: readonly Planned[], openMs: number): void => {
    // One is enough: there must be connections left for what overtakes it.
    if (this.#open.size > 0) return
    const whole = this.#transact(jobs, { rollback: false, openMs: this.#mayHoldOpen ? openMs : 0 })
    const open = whole.finally(() => this.#open.delete(open))
    this.#open.add(open)
  }

  operate = async (op: string, args: OperatorArgs): Promise<boolean> => {
    const call = this.#history.invoke(op, args)
    try {
      const carriedOut = await this.#carryOut(op, args)
      if (carriedOut) call.ok()
      else call.fail()
      return carriedOut
    } catch (error) {
      call.info({ errors: [codeOf(error)] })
      return false
    }
  }

  async #transact(
    jobs: readonly Planned[],
    { rollback, openMs }: { readonly rollback: boolean; readonly openMs: number },
  ): Promise<boolean> {
    const ids = jobs.map(({ id }) => id)
    const call = this.#history.invoke("enqueue", { jobs: ids, kind: jobs[0]?.kind, rollback })
    try {
      await this.#drover.transaction(async (tx) => {
        for (const { id, kind, input, options } of jobs)
          await tx.enqueue(this.#definition(kind), input, { ...options, id })
        if (openMs > 0) await this.#pause(openMs)
        if (rollback) throw ROLLBACK
      })
      call.ok({ tries: 1, duplicates: [] })
      return true
    } catch (error) {
      if (error === ROLLBACK) call.fail()
      else call.info({ errors: [codeOf(error)] })
      return false
    }
  }

  /** @returns ids of those that were not written because another job holds their key. */
  async #send(jobs: readonly Planned[]): Promise<string[]> {
    const handles = await Promise.all(
      Array.from(
        Map.groupBy(jobs, ({ kind }) => kind),
        ([kind, batch]) =>
          this.#drover.enqueueMany(
            this.#definition(kind),
            batch.map(({ id, input, options }) => ({ input, options: { ...options, id } })),
          ),
      ),
    )
    const written = new Set(
      handles.flat().flatMap(({ id, status }) => (status === "duplicate" ? [] : [id])),
    )
    return jobs.flatMap(({ id }) => (written.has(id) ? [] : [id]))
  }

  async #carryOut(op: string, args: OperatorArgs): Promise<boolean> {
    if ("queue" in args) {
      if (op === "pauseQueue") await this.#drover.pauseQueue(args.queue)
      else await this.#drover.resumeQueue(args.queue)
      return true
    }
    const report = await this.#drover.cancel([...args.jobs], { reason: "planned" })
    return report.changed.length + report.requested.length === args.jobs.length
  }

  #definition(kind: string): JobDefinition {
    const definition = this.#definitions.get(kind)
    if (definition === undefined) throw new Error(`no feature defines ${kind}`)
    return definition
  }

  async #pause(ms: number): Promise<void> {
    await systemClock.sleep(ms, { signal: this.#calm }).catch(() => {})
  }
}

function codeOf(error: unknown): string {
  return isDroverError(error) ? error.code : String(error)
}
