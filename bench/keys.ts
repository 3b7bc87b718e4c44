import { defineJob, Drover } from "drover"
import type { JobDefinition } from "drover"
import { postgres } from "drover/postgres"
import { sqlite } from "drover/sqlite"
import type { StoreSource } from "drover/store"
import { startPostgres } from "../packages/drover/src/postgres/fixtures/postgresServer.ts"
import { figure, median, rate } from "./measure.ts"
import type { Figure } from "./measure.ts"
import type { Scratch } from "./world.ts"

const ROUNDS = 5
/** Jobs of one call. */
const BATCH = 1_000

/** Enqueues in bulk with unique keys that are all new, and then all held, beside the same jobs without keys. */
export async function* keyFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  yield* figuresOf("SQLite", sqlite(scratch.file()), size)
  await using server = await startPostgres({ fsync: true })
  yield* figuresOf("Postgres", postgres({ url: server.url }), size)
}

async function* figuresOf(name: string, store: StoreSource, size: number): AsyncGenerator<Figure> {
  const count = Math.ceil(20 * size) * BATCH
  const job: JobDefinition<{ n: number }, void> = defineJob("bench.keys", { run: () => undefined })
  await using drover = new Drover({ store, jobs: [job], migrate: true })
  const enqueue = async (round: number | null): Promise<void> => {
    for (let from = 0; from < count; from += BATCH) {
      const items = Array.from({ length: BATCH }, (_, i) => ({
        input: { n: from + i },
        ...(round !== null && { options: { unique: { key: `${round}:${from + i}` } } }),
      }))
      await drover.enqueueMany(job, items)
    }
  }
  const [plain, added, held]: [number[], number[], number[]] = [[], [], []]
  await enqueue(null)
  await enqueue(ROUNDS)
  // In turn, so that a machine that slows down slows all.
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await rate(count, () => enqueue(null)))
    added.push(await rate(count, () => enqueue(round)))
    held.push(await rate(count, () => enqueue(round)))
  }
  yield figure(
    `${name}: in bulk, keys all new (raw: no keys)`,
    median(added),
    "jobs/s",
    median(plain),
  )
  yield figure(
    `${name}: in bulk, keys all held (raw: no keys)`,
    median(held),
    "jobs/s",
    median(plain),
  )
}
