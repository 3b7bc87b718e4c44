import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const LONG = "nemesis.long"
const BLOCKER = "nemesis.blocker"

interface Long {
  /** Part of a lease. */
  readonly leases: number
}

/** Jobs that take longer than a lease, and jobs that let the event loop stand still for as long. */
export const long: Feature = {
  name: "long",
  define: (handlers) => [
    defineJob(LONG, {
      maxCrashes: 1_000,
      run: (context: JobContext<Long>) =>
        handlers.witnessed(context, () =>
          handlers.sleep(ms(context, handlers.leaseMs), context.signal),
        ),
    }),
    defineJob(BLOCKER, {
      maxCrashes: 1_000,
      run: (context: JobContext<Long>) =>
        // A crash of its process must not make it block the next one for as long again and again.
        handlers.witnessed(context, () => handlers.block(ms(context, handlers.leaseMs))),
    }),
  ],
  async produce({ rng, newId, enqueue }) {
    const blocks = randomBelow(rng, 10) === 0
    const leases = blocks ? 0.1 + rng.next() * 0.8 : 0.5 + rng.next() * 1.5
    await enqueue([{ id: newId(), kind: blocks ? BLOCKER : LONG, input: { leases } }])
  },
  check: (history) => unlike([...rowsOf(history, LONG), ...rowsOf(history, BLOCKER)], "completed"),
}

/** The first two runs take what was planned; later ones less, so that a storm of kills cannot hold it up for ever. */
function ms({ input, attempt }: JobContext<Long>, leaseMs: number): number {
  return (input.leases * leaseMs) / Math.max(1, attempt - 1)
}
