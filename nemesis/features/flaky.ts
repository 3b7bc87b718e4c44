import { defineJob } from "drover"
import type { JobContext } from "drover"
import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { rowsOf, unlike } from "./expectation.ts"
import type { Feature } from "./feature.ts"

const FLAKY = "nemesis.flaky"
const HOPELESS = "nemesis.hopeless"
const ATTEMPTS = 5

interface Flaky {
  readonly failures: number
}

/**
 * Jobs that fail some times and then succeed, and jobs that never do. Only what their handlers threw may count as a
 * failure, however often a process died or was stopped under them.
 */
export const flaky: Feature = {
  name: "flaky",
  define: (handlers) =>
    [FLAKY, HOPELESS].map((kind) =>
      defineJob(kind, {
        maxCrashes: 1_000,
        retry: { maxAttempts: ATTEMPTS, backoff: "fixed", base: 60, jitter: "full" },
        run: (context: JobContext<Flaky>) =>
          handlers.witnessed(context, async () => {
            await handlers.sleep(30, context.signal)
            if (context.job.failures < context.input.failures) throw new Error("planned")
          }),
      }),
    ),
  async produce({ rng, newId, enqueue }) {
    const hopeless = randomBelow(rng, 4) === 0
    const failures = hopeless ? 1_000 : 1 + randomBelow(rng, ATTEMPTS - 1)
    await enqueue([{ id: newId(), kind: hopeless ? HOPELESS : FLAKY, input: { failures } }])
  },
  check(history) {
    const lucky = rowsOf(history, FLAKY)
    const lost = rowsOf(history, HOPELESS)
    const planned = (input: string): number =>
      Math.min(ATTEMPTS, (JSON.parse(input) as Flaky).failures)
    return [
      ...unlike(lucky, "completed"),
      ...unlike(lost, "discarded"),
      ...[...lucky, ...lost].flatMap(({ id, input, failures }) =>
        failures === planned(input)
          ? []
          : [`job ${id} failed ${planned(input)} times, but ${failures} failures are counted`],
      ),
    ]
  },
}
