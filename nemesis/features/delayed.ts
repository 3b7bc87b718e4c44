import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const KIND = "nemesis.delayed"

interface Delayed {
  readonly delayMs: number
}

/** Jobs that are due later: none may start before its time by the store's clock. */
export const delayed: Feature = {
  name: "delayed",
  define: (handlers) => [
    defineJob(KIND, {
      maxCrashes: 1_000,
      run: (context: JobContext<Delayed>) => handlers.witnessed(context, () => undefined),
    }),
  ],
  async produce({ rng, newId, enqueue }) {
    const delayMs = 100 + randomBelow(rng, 3_000)
    const options = { runIn: delayMs }
    await enqueue([{ id: newId(), kind: KIND, input: { delayMs }, options }])
  },
  check(history) {
    const rows = rowsOf(history, KIND)
    const early = rows.flatMap(({ id, input, enqueuedAt }) => {
      const { delayMs } = JSON.parse(input) as Delayed
      const claim = history.trails.get(id)?.find(({ to }) => to === "running")
      if (claim === undefined || claim.at >= enqueuedAt + delayMs) return []
      return [`job ${id} started ${enqueuedAt + delayMs - claim.at} ms before it was due`]
    })
    return [...unlike(rows, "completed"), ...early]
  },
}
