import { Drover, Events, isDroverError } from "drover"
import type { JobContext, JobDefinition } from "drover"
import { retry } from "drover/retry"
import { SeededRng, systemClock } from "../../packages/drover/src/time/index.ts"
import { features } from "../features/index.ts"
import type { HandlerWorld } from "../features/feature.ts"
import { HistoryFile } from "../history/operation.ts"
import { WorkerWitness } from "../history/testimony.ts"
import { huntedNamed } from "../mutants/index.ts"
import { HistoryProducer } from "./historyProducer.ts"
import { SkewedClock } from "./skewedClock.ts"
import { storeSource } from "./storeSource.ts"
import { witnessedSource } from "./witnessedStore.ts"
import type { Fences } from "./witnessedStore.ts"
import type { WorkerCommand, WorkerPlan } from "./workerPlan.ts"
import { work } from "./workload.ts"

const PACE_MS = 600
// A worker writes few jobs, the driver most of them.
const OPEN_JOBS = 150
const SLOTS = 12

/** All queues of all features, so that a worker runs everything. */
export const queues: Readonly<Record<string, { readonly slots: number }>> = Object.assign(
  { default: { slots: SLOTS }, stopgo: { slots: SLOTS } },
  ...features.map((feature) => feature.queues ?? {}),
) as Readonly<Record<string, { readonly slots: number }>>

/** Runs a worker process of the fleet: a client with one worker, which now and then writes jobs itself. */
export async function runWorker(plan: WorkerPlan): Promise<void> {
  const witness = new WorkerWitness(plan.folder)
  const clock = new SkewedClock()
  const fences: Fences = new Map()
  const calm = new AbortController()
  const definitions = features.flatMap((feature) =>
    feature.define(handlerWorld(plan, witness, fences)),
  )
  const events = new Events()
  const drover = new Drover({
    store: witnessedSource(await storeSource(plan.address), {
      witness,
      fences,
      deadProof: plan.deadProof,
    }),
    jobs: definitions,
    schedules: features.flatMap((feature) => feature.schedules?.(definitions) ?? []),
    queues,
    events,
    clock,
    migrate: false,
    actor: plan.name,
    retention: { completed: false, discarded: false, cancelled: false, bytes: false },
    lead: { ttl: plan.leaseMs, bid: plan.sweepMs },
    maintenance: { sweep: plan.sweepMs, statistics: { every: 1_000, keep: 60_000 } },
  })
  const life = { stopping: false }
  watchTrouble(events, witness, life)
  obey({ clock, calm, life, stop: () => drover.close() })
  for (const { attend } of features) attend?.(drover, (testimony) => witness.write(testimony))
  await start(drover, plan, witness)
  process.send?.("ready")
  await produce({ drover, plan, definitions, calm: calm.signal })
  process.send?.("calm")
}

/** Begins to work. The database may be under a fault just now, and under the next one when that is over. */
async function start(drover: Drover, plan: WorkerPlan, witness: WorkerWitness): Promise<void> {
  const begin = (): Promise<unknown> =>
    drover.work({
      lease: { ttl: plan.leaseMs },
      poll: 200,
      soloPatience: 300,
      stopGrace: 2_000,
      // Blocks of the event loop fall on both sides of it.
      stallLimit: 2 * plan.leaseMs,
    })
  await retry(begin, {
    base: 200,
    cap: "1s",
    // A worker that does not come up is killed with the rest when the run ends.
    maxAttempts: false,
    retryIf(error) {
      const isFault = isDroverError(error) && error.code.startsWith("DROVER_STORE")
      if (isFault) witness.write({ event: "store", what: `start: ${error.code}` })
      return isFault
    },
  })
}

async function produce(parts: {
  readonly drover: Drover
  readonly plan: WorkerPlan
  readonly definitions: readonly JobDefinition[]
  readonly calm: AbortSignal
}): Promise<void> {
  const { drover, plan, definitions, calm } = parts
  const producer = new HistoryProducer({
    drover,
    definitions,
    calm,
    history: new HistoryFile(plan.folder, `${plan.name}/${process.pid}`),
    rng: new SeededRng(`${plan.seed}/${plan.name}/${process.pid}`),
    leaseMs: plan.leaseMs,
    mayHoldOpen: plan.address.dialect === "postgres",
  })
  const isFull = async (): Promise<boolean> => {
    try {
      return (await drover.count({ states: ["available"] }, OPEN_JOBS)) === OPEN_JOBS
    } catch {
      return true
    }
  }
  const hunted = plan.mutant === null ? [] : huntedNamed(plan.mutant, plan.address.dialect).features
  await work(producer, { paceMs: PACE_MS, calm, isFull, hunted })
}

function handlerWorld(plan: WorkerPlan, witness: WorkerWitness, fences: Fences): HandlerWorld {
  return {
    leaseMs: plan.leaseMs,
    witnessed: async (context, body) => {
      const { job, attempt, signal } = context as JobContext
      const token = fences.get(`${job.id} ${attempt}`) ?? null
      witness.write({ event: "started", job: job.id, attempt }, token)
      try {
        const result = await body()
        witness.write({ event: "ended", job: job.id, attempt }, token)
        return result
      } catch (error) {
        if (signal.aborted) {
          const code = isDroverError(error) ? error.code : String(error)
          witness.write({ event: "aborted", job: job.id, attempt, code }, token)
        } else {
          witness.write({ event: "ended", job: job.id, attempt }, token)
        }
        throw error
      }
    },
    sleep: (ms, signal) => systemClock.sleep(ms, { signal }),
    block,
    die: () => process.kill(process.pid, "SIGKILL"),
  }
}

/** Without turning the event loop, and without a processor. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function watchTrouble(events: Events, witness: WorkerWitness, life: { stopping: boolean }): void {
  const trouble = (what: string): void => witness.write({ event: "trouble", what })
  process.on("uncaughtExceptionMonitor", (error) => trouble(`uncaught: ${String(error)}`))
  events.on("worker.lease_lost", ({ sinceMs }) => witness.write({ event: "lapsed", sinceMs }))
  events.on("worker.stalled", ({ gapMs }) => witness.write({ event: "stalled", gapMs }))
  events.on("store.failed", ({ operation, code, message }) => {
    witness.write({ event: "store", what: `${operation}: ${code} ${message}` })
  })
  events.on("drover.listener_failed", ({ event, error }) => trouble(`${event}: ${String(error)}`))
  events.on("service.failed", ({ service, phase, error }) => {
    const isStore = isDroverError(error) && error.code.startsWith("DROVER_STORE")
    if (isStore) witness.write({ event: "store", what: `${service} ${phase}: ${error.code}` })
    else trouble(`${service} failed at ${phase}: ${String(error)}`)
  })
  events.on("worker.stopped", () => {
    if (life.stopping) return
    // As under any supervisor, a process whose worker gave up ends, and another one is started.
    witness.write({ event: "store", what: "the worker gave up" })
    process.exit(0)
  })
}

/** Does what the driver says, and never outlives it. */
function obey(parts: {
  readonly clock: SkewedClock
  readonly calm: AbortController
  readonly life: { stopping: boolean }
  stop(): Promise<void>
}): void {
  const { clock, calm, life, stop } = parts
  process.on("message", (command: WorkerCommand) => {
    if (command.do === "block") block(command.ms)
    else if (command.do === "skew") clock.skewMs = command.ms
    else calm.abort()
  })
  process.once("SIGTERM", () => {
    life.stopping = true
    calm.abort()
    void stop().then(
      () => process.exit(0),
      () => process.exit(0),
    )
  })
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))
}
