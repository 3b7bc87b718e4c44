import { percentile } from "../measure.ts"
import type { Lab } from "./lab.ts"
import { samplesOf, summary } from "./latency.ts"
import { connect } from "./postgresServer.ts"
import type { System } from "./systems.ts"
import { drain, pause, startedBy, startWorkers, untilStarted } from "./throughput.ts"

/** What a snapshot does to a system that nothing can be vacuumed behind. */
export interface Beside {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Of the exchanges with the database that claim, in ms, where the library lets itself be timed. */
  readonly claimP99: number | null
  /** Jobs that were enqueued and not started when the load ended. */
  readonly backlog: number
  /** Jobs a second afterwards, the transaction still open. */
  readonly drain: number
}

const LAST_MS = 10_000

/** A load at an even rate for some time beside an open transaction, then a drain beside it. */
export async function besideTransaction(
  lab: Lab,
  system: System,
  load: { readonly perSecond: number; readonly seconds: number; readonly jobs: number },
): Promise<Beside> {
  await using world = await lab.world(system)
  const enqueuer = await world.side()
  await enqueuer.call("prepare")
  await using holder = await connect(world.connection)
  await holder.query("begin isolation level repeatable read")
  // The first statement takes the snapshot, and its id holds back every vacuum.
  await holder.query("select pg_current_xact_id(), (select count(*) from pg_class)")
  const workers = await startWorkers(world)
  for (const worker of workers) await worker.call("work")
  const ms = load.seconds * 1000
  const paced = enqueuer.call<number>("paced", { perSecond: load.perSecond, ms })
  await pause(Math.max(0, ms - LAST_MS))
  for (const worker of workers) await worker.call("claims")
  const sent = await paced
  const backlog = Math.max(0, sent - (await startedBy(workers)))
  const samples = await samplesOf(workers)
  const claims = await Promise.all(workers.map((worker) => worker.call<number[] | null>("claims")))
  const since = samples.at(-1)![0] - LAST_MS
  await untilStarted(workers, sent)
  for (const worker of workers) await worker[Symbol.asyncDispose]()
  await enqueuer.call("bulk", { count: load.jobs })
  const latency = summary(
    samples.filter(([sentMs]) => sentMs >= since),
    0,
  )
  return {
    perSecond: load.perSecond,
    ...latency,
    claimP99: claims[0] === null ? null : percentile(claims.flat() as number[], 0.99),
    backlog,
    drain: await drain(world, enqueuer, load.jobs),
  }
}
