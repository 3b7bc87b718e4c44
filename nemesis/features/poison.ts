import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const KIND = "nemesis.poison"
const MAX_CRASHES = 2
// Each costs two processes and all that runs in them.
const ONE_IN = 40

/** Jobs that kill their process whenever they run: they end at their last crash, and never run more often. */
export const poison: Feature = {
  name: "poison",
  define: (handlers) => [
    defineJob(KIND, {
      maxCrashes: MAX_CRASHES,
      run: (context: JobContext<object>) =>
        handlers.witnessed(context, async () => {
          await handlers.sleep(20, context.signal)
          handlers.die()
          // Death comes with the next signal check of the kernel; nothing may be reported before.
          await handlers.sleep(60_000, context.signal)
        }),
    }),
  ],
  async produce({ rng, newId, enqueue }) {
    if (randomBelow(rng, ONE_IN) > 0) return
    await enqueue([{ id: newId(), kind: KIND, input: {} }])
  },
  check(history) {
    const rows = rowsOf(history, KIND)
    const runs = Map.groupBy(
      history.records.flatMap((record) => (record.event === "started" ? [record.job] : [])),
      (job) => job,
    )
    return [
      ...unlike(rows, "discarded"),
      ...rows.flatMap(({ id, crashes, interruptions }) => {
        const times = runs.get(id)?.length ?? 0
        const problems = []
        if (crashes > MAX_CRASHES) problems.push(`job ${id} is charged with ${crashes} crashes`)
        if (times > MAX_CRASHES + interruptions)
          problems.push(`poison job ${id} ran ${times} times for ${MAX_CRASHES} crashes`)
        return problems
      }),
    ]
  },
}
