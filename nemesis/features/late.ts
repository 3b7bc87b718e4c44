import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature, Planned } from "./feature.ts"

const KIND = "nemesis.late"
// Of its own: wherever jobs come due or are taken back, everybody looks everywhere.
const QUEUE = "late"
// Longer than claims allow for without looking everywhere.
const LEAST_OPEN_MS = 3_000
const MOST_OPEN_MS = 7_000

/**
 * Short jobs all the time, and among them some whose transaction was open for so long that others which were stamped
 * later have been claimed long since: those are found too.
 */
export const late: Feature = {
  name: "late",
  queues: { [QUEUE]: { slots: 8 } },
  define: (handlers) => [
    defineJob(KIND, {
      queue: QUEUE,
      maxCrashes: 1_000,
      run: (context: JobContext<object>) =>
        handlers.witnessed(context, () => handlers.sleep(10, context.signal)),
    }),
  ],
  async produce({ rng, newId, enqueue, late: hold }) {
    const job = (): Planned => ({ id: newId(), kind: KIND, input: {} })
    if (randomBelow(rng, 4) === 0)
      hold([job()], LEAST_OPEN_MS + randomBelow(rng, MOST_OPEN_MS - LEAST_OPEN_MS))
    await enqueue(Array.from({ length: 1 + randomBelow(rng, 6) }, job))
  },
  check: (history) => unlike(rowsOf(history, KIND), "completed"),
}
