import { Ceiling } from "./ceiling.ts"
import { figure, median, percentile, rate } from "./measure.ts"
import type { Figure } from "./measure.ts"
import { completed, defaultDrover, nothing } from "./world.ts"
import type { Scratch } from "./world.ts"
import { timedStore } from "./timedStore.ts"

const ROUNDS = 3
const CEILING_BATCH = 100
const INPUT = '{"n":1}'

/** Drains no-op jobs with default settings, beside the ceiling; then with a long history and a long backlog. */
export async function* drainFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  const count = Math.round(100_000 * size)
  const ours: number[] = []
  const raws: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    raws.push(await ceilingRate(scratch.file(), count))
    ours.push((await drain(scratch.file(), { count, finished: 0, waiting: 0 })).rate)
  }
  yield figure("drain", median(ours), "jobs/s", median(raws))

  const many = Math.round(1_000_000 * size)
  for (const world of [
    { name: "drain with a history", finished: many, waiting: 0 },
    { name: "drain with a backlog", finished: 0, waiting: many },
  ]) {
    const empty = await drain(scratch.file(), { count, finished: 0, waiting: 0 })
    const full = await drain(scratch.file(), { count, ...world })
    yield figure(`${world.name} of ${many} jobs (raw: without)`, full.rate, "jobs/s", empty.rate)
    yield figure(`claim p99, ${world.name}`, percentile(full.exchangeMs, 0.99), "ms")
  }
}

async function ceilingRate(path: string, count: number): Promise<number> {
  const ceiling = new Ceiling(path)
  ceiling.enqueue(count, 1000, INPUT)
  const perSecond = await rate(count, () => ceiling.drain(CEILING_BATCH))
  ceiling.close()
  return perSecond
}

/** The rate at which a worker with default settings completes `count` jobs in such a database. */
async function drain(
  path: string,
  world: { readonly count: number; readonly finished: number; readonly waiting: number },
): Promise<{ readonly rate: number; readonly exchangeMs: readonly number[] }> {
  const store = timedStore(path)
  await using drover = defaultDrover(path, { store: store.source })
  if (world.finished > 0) {
    await enqueue(drover, world.finished)
    await using _worker = await drover.work()
    await completed(drover, world.finished)
  }
  await enqueue(drover, world.count + world.waiting)
  store.exchangeMs.length = 0
  const done = completed(drover, world.count)
  await using _worker = await drover.work()
  const perSecond = await rate(world.count, () => done)
  return { rate: perSecond, exchangeMs: [...store.exchangeMs] }
}

const CHUNK = 50_000

async function enqueue(drover: ReturnType<typeof defaultDrover>, count: number): Promise<void> {
  for (let done = 0; done < count; done += CHUNK) {
    const inputs = Array.from({ length: Math.min(CHUNK, count - done) }, (_, n) => ({
      input: { n },
    }))
    await drover.enqueueMany(nothing, inputs)
  }
}
