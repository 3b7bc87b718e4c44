import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { uniqueHolders } from "../checks/uniqueHolders.ts"
import { rowsOf } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const KIND = "nemesis.unique"
const KEYS = 6

interface Unique {
  readonly key: string
  readonly ms: number
}

/** Many jobs for few keys: of those that wait or run there is never more than one for a key. */
export const unique: Feature = {
  name: "unique",
  define: (handlers) => [
    defineJob(KIND, {
      maxCrashes: 1_000,
      retry: { maxAttempts: 4, backoff: "fixed", base: 200 },
      run: (context: JobContext<Unique>) =>
        handlers.witnessed(context, async () => {
          await handlers.sleep(context.input.ms, context.signal)
          // While it waits for its retry it still holds the key.
          if (context.input.ms % 3 === 0 && context.job.failures === 0) throw new Error("planned")
        }),
    }),
  ],
  async produce({ rng, newId, enqueue }) {
    const key = `key-${randomBelow(rng, KEYS)}`
    const jobs = Array.from({ length: 1 + randomBelow(rng, 3) }, () => ({
      id: newId(),
      kind: KIND,
      input: { key, ms: randomBelow(rng, 400) },
      options: { unique: key },
    }))
    await enqueue(jobs)
  },
  check(history) {
    const rows = rowsOf(history, KIND)
    return [
      ...rows
        .filter(({ state }) => state !== "completed")
        .map(({ id, state, reason }) => `job ${id} of ${KIND} ended as ${state}: ${reason}`),
      ...uniqueHolders(rows, history.trails),
    ]
  },
}
