import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature, Planned, Producer } from "./feature.ts"

const KIND = "nemesis.plain"

interface Plain {
  readonly ms: number
}

/** Short jobs, one by one, in batches and in transactions, some of which are rolled back. */
export const plain: Feature = {
  name: "plain",
  define: (handlers) => [
    defineJob(KIND, {
      maxCrashes: 1_000,
      run: (context: JobContext<Plain>) =>
        handlers.witnessed(context, () => handlers.sleep(context.input.ms, context.signal)),
    }),
  ],
  async produce(producer) {
    const { rng } = producer
    const jobs = Array.from({ length: 1 + randomBelow(rng, 6) }, () => job(producer))
    if (randomBelow(rng, 4) > 0) await producer.enqueue(jobs)
    else await producer.transaction(jobs, randomBelow(rng, 2) === 0)
  },
  check: (history) => unlike(rowsOf(history, KIND), "completed"),
}

function job({ rng, newId }: Producer): Planned {
  return { id: newId(), kind: KIND, input: { ms: randomBelow(rng, 120) } }
}
