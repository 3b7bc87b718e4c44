import type { Drover } from "drover"
import { Ceiling } from "./ceiling.ts"
import { figure, median, rate } from "./measure.ts"
import type { Figure } from "./measure.ts"
import { defaultDrover, nothing } from "./world.ts"
import type { Scratch } from "./world.ts"

const ROUNDS = 5
const INPUT = '{"n":1}'

/** Enqueues one after the other, a hundred in flight, and in bulk; each beside the ceiling, in turn. */
export async function* enqueueFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  const single = Math.round(3000 * size)
  const concurrent = Math.round(40_000 * size)
  const bulk = Math.round(100_000 * size)
  yield* compare(scratch, "enqueue one by one", single, oneByOne, 1)
  yield* compare(scratch, "enqueue, 100 in flight", concurrent, inFlight, 100)
  yield* compare(scratch, "enqueue in bulk", bulk, inBulk, 1000)
}

type Enqueue = (drover: Drover, count: number) => Promise<void>

async function* compare(
  scratch: Scratch,
  name: string,
  count: number,
  enqueue: Enqueue,
  batch: number,
): AsyncGenerator<Figure> {
  const ours: number[] = []
  const raws: number[] = []
  await using drover = defaultDrover(scratch.file())
  const ceiling = new Ceiling(scratch.file())
  await enqueue(drover, Math.ceil(count / 10))
  // In turn, so that a machine that slows down slows both.
  for (let round = 0; round < ROUNDS; round++) {
    raws.push(await rate(count, () => ceiling.enqueue(count, batch, INPUT)))
    ours.push(await rate(count, () => enqueue(drover, count)))
  }
  ceiling.close()
  yield figure(name, median(ours), "jobs/s", median(raws))
}

async function oneByOne(drover: Drover, count: number): Promise<void> {
  for (let n = 0; n < count; n++) await drover.enqueue(nothing, { n })
}

async function inFlight(drover: Drover, count: number): Promise<void> {
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < count) await drover.enqueue(nothing, { n: next++ })
  }
  await Promise.all(Array.from({ length: 100 }, caller))
}

async function inBulk(drover: Drover, count: number): Promise<void> {
  const inputs = Array.from({ length: count }, (_, n) => ({ input: { n } }))
  await drover.enqueueMany(nothing, inputs)
}
