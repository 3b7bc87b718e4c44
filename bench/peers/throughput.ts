import { machineMs } from "../measure.ts"
import type { Lab, World } from "./lab.ts"
import type { SideProcess } from "./sideProcess.ts"
import type { System } from "./systems.ts"

/** Jobs a second. */
export interface Throughput {
  readonly concurrent: number | null
  readonly bulk: number
  readonly drain: number
}

const IN_FLIGHT = 100
const CONCURRENT_SHARE = 0.2
const LOOK_MS = 10
const FLUSH_MS = 2
const PATIENCE_MS = 60_000

/** Enqueues one by one with many in flight, then in bulk, then starts workers and waits until nothing is left. */
export async function throughput(lab: Lab, system: System, jobs: number): Promise<Throughput> {
  await using world = await lab.world(system)
  const enqueuer = await world.side()
  await enqueuer.call("prepare")
  const single = system.isCeiling ? 0 : Math.max(100, Math.round(jobs * CONCURRENT_SHARE))
  const singleMs =
    single === 0
      ? null
      : await enqueuer.call<number>("concurrent", { count: single, inFlight: IN_FLIGHT })
  const bulkMs = await enqueuer.call<number>("bulk", { count: jobs })
  return {
    concurrent: singleMs === null ? null : perSecond(single, singleMs),
    bulk: perSecond(jobs, bulkMs),
    drain: await drain(world, enqueuer, jobs + single),
  }
}

/**
 * The rate of a drain right after the bulk enqueue, as graphile-worker's own performance test does it: the database has
 * not looked at its tables since, and plans without knowing what is in them.
 */
export async function drainFresh(lab: Lab, system: System, jobs: number): Promise<number> {
  await using world = await lab.world(system)
  const enqueuer = await world.side()
  await enqueuer.call("prepare")
  await enqueuer.call("bulk", { count: jobs })
  return await timedDrain(world, enqueuer, jobs)
}

/** The rate of a drain in a database as it is that has been up for a while. */
export async function drain(world: World, observer: SideProcess, jobs: number): Promise<number> {
  await world.settle()
  return timedDrain(world, observer, jobs)
}

/**
 * The rate at which the workers of a system get through what its database holds. Their processes are up and
 * connected before the clock starts; it runs while the library starts to work, and stops when the handlers were
 * called for all jobs and the database says that none of them is unfinished: what is counted is written.
 */
async function timedDrain(world: World, observer: SideProcess, jobs: number): Promise<number> {
  const workers = await startWorkers(world)
  const start = machineMs()
  await Promise.all(workers.map((worker) => worker.call("work")))
  const started = await untilStarted(workers, jobs, LOOK_MS)
  while ((await observer.call<number>("unfinished")) > 0) await pause(FLUSH_MS)
  const ms = machineMs() - start
  for (const worker of workers) await worker[Symbol.asyncDispose]()
  if (started > jobs) console.error(`${world.system.name} ran ${started} jobs of ${jobs}`)
  return perSecond(jobs, ms)
}

/** Processes that are ready to work, up and connected. */
export async function startWorkers(world: World): Promise<readonly SideProcess[]> {
  return Promise.all(
    Array.from({ length: world.system.workers }, async () => {
      const side = await world.side()
      await side.call("unfinished")
      return side
    }),
  )
}

/** Resolves with how many handlers were called, once they are so many. @throws Error when nothing goes on any more. */
export async function untilStarted(
  workers: readonly SideProcess[],
  count: number,
  lookMs = 20,
): Promise<number> {
  let most = 0
  let sinceMs = machineMs()
  for (;;) {
    const started = await startedBy(workers)
    if (started >= count) return started
    if (started > most) {
      most = started
      sinceMs = machineMs()
    } else if (machineMs() - sinceMs > PATIENCE_MS) {
      throw new Error(`only ${started} of ${count} jobs were started`)
    }
    await pause(lookMs)
  }
}

/** How many handlers were called so far. */
export async function startedBy(workers: readonly SideProcess[]): Promise<number> {
  const counts = await Promise.all(workers.map((worker) => worker.call<number>("started")))
  return counts.reduce((sum, count) => sum + count, 0)
}

export function perSecond(count: number, ms: number): number {
  return (count / ms) * 1000
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
