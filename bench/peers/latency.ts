import { percentile } from "../measure.ts"
import type { Lab } from "./lab.ts"
import type { SideProcess } from "./sideProcess.ts"
import type { System } from "./systems.ts"
import { startWorkers, untilStarted } from "./throughput.ts"

/** From the call that enqueues to the handler's first line, in ms. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

const WARM_UP = 0.1

/** One job at a time, nothing else going on; the worker is in the process that enqueues, or in another. */
export async function idleLatency(
  lab: Lab,
  system: System,
  count: number,
  apart: boolean,
): Promise<Latency> {
  await using world = await lab.world(system)
  const enqueuer = await world.side()
  await enqueuer.call("prepare")
  const workers = apart ? await startWorkers(world) : [enqueuer]
  for (const worker of workers) await worker.call("work")
  await enqueuer.call("probe", { count })
  await untilStarted(workers, count)
  return summary(await samplesOf(workers))
}

/** Jobs come in at an even rate from a process of their own. */
export async function loadedLatency(
  lab: Lab,
  system: System,
  rate: number,
  seconds: number,
): Promise<Latency> {
  await using world = await lab.world(system)
  const enqueuer = await world.side()
  await enqueuer.call("prepare")
  const workers = await startWorkers(world)
  for (const worker of workers) await worker.call("work")
  const sent = await enqueuer.call<number>("paced", { perSecond: rate, ms: seconds * 1000 })
  await untilStarted(workers, sent)
  return summary(await samplesOf(workers))
}

export type Sample = readonly [sentMs: number, tookMs: number]

/** Every sample of these workers, by the time of the enqueue; they forget them. */
export async function samplesOf(workers: readonly SideProcess[]): Promise<readonly Sample[]> {
  const samples = await Promise.all(workers.map((worker) => worker.call<Sample[]>("samples")))
  return samples.flat().sort(([a], [b]) => a - b)
}

export function summary(samples: readonly Sample[], skip = WARM_UP): Latency {
  const took = samples.slice(Math.floor(samples.length * skip)).map(([, ms]) => ms)
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99) }
}
