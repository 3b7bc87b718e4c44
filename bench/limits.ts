import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { postgres } from "drover/postgres"
import { sqlite } from "drover/sqlite"
import type { StoreSource } from "drover/store"
import { startPostgres } from "../packages/drover/src/postgres/fixtures/postgresServer.ts"
import { figure, median, rate } from "./measure.ts"
import type { Figure } from "./measure.ts"
import type { Scratch } from "./world.ts"

const ROUNDS = 3
const TENANTS = 1_000
const PER_TENANT = 3

interface Call {
  readonly tenant: number
}

/** Drains jobs of a thousand keys, alone and with a long backlog of one key that is full; and jobs without limits. */
export async function* limitFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  yield* figuresOf("SQLite", () => sqlite(scratch.file()), size)
  await using server = await startPostgres({ fsync: true })
  let schemas = 0
  const source = (): StoreSource => postgres({ url: server.url, schema: `bench_${++schemas}` })
  yield* figuresOf("Postgres", source, size)
}

async function* figuresOf(
  store: string,
  source: () => StoreSource,
  size: number,
): AsyncGenerator<Figure> {
  const count = Math.round(20_000 * size)
  const blocked = Math.round(100_000 * size)
  const [plain, alone, beside]: [number[], number[], number[]] = [[], [], []]
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await drain(source(), { count, blocked: 0, isLimited: false }))
    alone.push(await drain(source(), { count, blocked: 0, isLimited: true }))
    beside.push(await drain(source(), { count, blocked, isLimited: true }))
  }
  const under = `${store}: drain under a limit of each key (raw: no limit)`
  yield figure(under, median(alone), "jobs/s", median(plain))
  const besides = `${store}: drain beside ${blocked} jobs of one full key (raw: without)`
  yield figure(besides, median(beside), "jobs/s", median(alone))
}

/** The rate at which jobs of many keys complete while those of one key may not start. */
async function drain(
  store: StoreSource,
  world: { readonly count: number; readonly blocked: number; readonly isLimited: boolean },
): Promise<number> {
  const open = Promise.withResolvers<void>()
  const job = defineJob("bench.limited", {
    ...(world.isLimited && {
      concurrency: { limit: PER_TENANT, key: ({ tenant }: Call) => String(tenant) },
    }),
    run: ({ input }: JobContext<Call>) => (input.tenant < 0 ? open.promise : undefined),
  })
  await using drover = new Drover({ store, jobs: [job], migrate: true })
  const full = Array.from({ length: world.blocked }, () => ({ input: { tenant: -1 } }))
  await drover.enqueueMany(job, full)
  const others = Array.from({ length: world.count }, (_, n) => ({ input: { tenant: n % TENANTS } }))
  await drover.enqueueMany(job, others)
  const done = new Promise<void>((resolve) => {
    let left = world.count
    drover.on("job.completed", () => {
      if (--left === 0) resolve()
    })
  })
  await using _worker = await drover.work()
  const perSecond = await rate(world.count, () => done)
  await drover.setLimit("kind:bench.limited#concurrency", { limit: 0 })
  open.resolve()
  return perSecond
}
