import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { mostAtOnce } from "../checks/mostAtOnce.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const KIND = "nemesis.narrow"
const QUEUE = "narrow"
const SLOTS = 2

interface Narrow {
  readonly ms: number
}

/** A queue with few slots in each process: handlers never run more at once, whatever happens to the process. */
export const narrow: Feature = {
  name: "narrow",
  queues: { [QUEUE]: { slots: SLOTS } },
  define: (handlers) => [
    defineJob(KIND, {
      queue: QUEUE,
      maxCrashes: 1_000,
      run: (context: JobContext<Narrow>) =>
        handlers.witnessed(context, () => handlers.sleep(context.input.ms, context.signal)),
    }),
  ],
  async produce({ rng, newId, enqueue }) {
    const jobs = Array.from({ length: 1 + randomBelow(rng, 6) }, () => ({
      id: newId(),
      kind: KIND,
      input: { ms: 20 + randomBelow(rng, 300) },
    }))
    await enqueue(jobs)
  },
  check(history) {
    const rows = rowsOf(history, KIND)
    const own = new Set(rows.map(({ id }) => id))
    const records = history.records.filter((record) => "job" in record && own.has(record.job))
    const byPid = Map.groupBy(records, ({ pid }) => pid)
    const crowds = [...byPid].flatMap(([pid, seen]) => {
      const most = mostAtOnce(seen)
      return most <= SLOTS ? [] : [`process ${pid} ran ${most} jobs at once in ${SLOTS} slots`]
    })
    return [...unlike(rows, "completed"), ...crowds]
  },
}
