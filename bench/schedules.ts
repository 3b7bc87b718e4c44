import { defineJob, Drover, schedule } from "drover"
import type { JobContext } from "drover"
import { postgres } from "drover/postgres"
import { sqlite } from "drover/sqlite"
import type { StoreSource } from "drover/store"
import { startPostgres } from "../packages/drover/src/postgres/fixtures/postgresServer.ts"
import { figure, percentile } from "./measure.ts"
import type { Figure } from "./measure.ts"
import type { Scratch } from "./world.ts"

const SCHEDULES = 10
const TICKS = 40
// Of the first ticks some are planned before the worker leads.
const SKIPPED = 3

/** How long after the planned instant of a tick its handler begins, with a worker up and nothing else going on. */
export async function* scheduleFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  const ticks = Math.max(SKIPPED + 1, Math.round(TICKS * size))
  yield* percentiles("SQLite", await lateness(sqlite(scratch.file()), ticks))
  await using server = await startPostgres({ fsync: true })
  yield* percentiles("Postgres", await lateness(postgres(server.url), ticks))
}

function* percentiles(store: string, samples: readonly number[]): Generator<Figure> {
  for (const [label, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
    ["earliest", 0],
  ] as const) {
    const name = `${store}: from a tick's instant to its handler, ${label}`
    yield figure(name, percentile(samples, share), "ms")
  }
}

/** Every schedule ticks once a second, each at its own moment of it. */
async function lateness(store: StoreSource, ticks: number): Promise<readonly number[]> {
  const samples: number[] = []
  const all = Promise.withResolvers<void>()
  const seen = new Map<string, number>()
  const job = defineJob("bench.tick", {
    run({ job: { metadata } }: JobContext<null>) {
      const now = Date.now()
      const { name, tickAt } = (metadata as { schedule: { name: string; tickAt: string } }).schedule
      const count = (seen.get(name) ?? 0) + 1
      seen.set(name, count)
      if (count > SKIPPED) samples.push(now - Date.parse(tickAt))
      if ([...seen.values()].every((n) => n >= ticks) && seen.size === SCHEDULES) all.resolve()
    },
  })
  const now = Date.now()
  const schedules = Array.from({ length: SCHEDULES }, (_, n) =>
    schedule(`bench-${n}`, {
      every: "1s",
      startAt: new Date(now + 1000 + (n * 1000) / SCHEDULES),
      job,
      input: null,
    }),
  )
  await using drover = new Drover({ store, jobs: [job], schedules, migrate: true })
  await using _worker = await drover.work()
  await all.promise
  return samples
}
