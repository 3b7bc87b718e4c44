/** A process that enqueues and writes down what was acknowledged, until it is killed. */
import { randomBelow, SeededRng, systemClock, systemRng, UuidMaker } from "../../src/time/index.ts"
import { stepJob, stepQueue } from "../step.ts"
import { beginProgram, ready } from "./process.ts"

// Enough to keep every worker busy, few enough to be done soon after the last kill.
const OPEN_JOBS = 150
const PAUSE_MS = 10

const { plan, witness, fuse, store } = await beginProgram()
const rng = new SeededRng(plan.seed)
const ids = new UuidMaker(systemClock, systemRng)
let stopping = false
process.once("SIGTERM", () => {
  stopping = true
})
ready()

while (!stopping) {
  await systemClock.sleep(PAUSE_MS)
  const open = { queues: [stepQueue], states: ["scheduled", "available", "retryable"] as const }
  if ((await store.count(open, OPEN_JOBS)) < OPEN_JOBS) await enqueueSome()
}
await store.close()
process.disconnect?.()

async function enqueueSome(): Promise<void> {
  const jobs = Array.from({ length: 1 + randomBelow(rng, 6) }, () =>
    stepJob(ids.next(), { ms: randomBelow(rng, 120), failures: randomBelow(rng, 4) === 0 ? 1 : 0 }),
  )
  fuse.pass("before-enqueue")
  if (randomBelow(rng, 3) === 0) {
    await store.transaction(
      async (tx) => {
        await tx.enqueue(jobs)
        fuse.pass("mid-transaction")
      },
      { timeoutMs: 10_000 },
    )
  } else {
    await store.enqueue(jobs)
  }
  fuse.pass("after-enqueue-before-reply")
  for (const { id } of jobs) witness.write({ event: "acked", job: id })
}
