// What a handler can say beside "done" and "failed", and what a timeout and a cancel look like from inside.
import { setTimeout as wait } from "node:timers/promises"
import { cancel, defineJob, discard, Drover, isDroverError, retryIn, snooze } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

const poll = defineJob("export.poll", {
  // Not ready is not a failure: a snooze costs none of the attempts.
  run: ({ attempt }) => (attempt < 3 ? snooze("20ms") : { ready: true, attempt }),
})

const charge = defineJob("card.charge", {
  retry: { maxAttempts: 5 },
  run({ input, attempt }: JobContext<{ answer: number }>) {
    // The server said how long to wait; that is better than any policy.
    if (input.answer === 429 && attempt === 1) return retryIn("20ms", new Error("429"))
    if (input.answer === 402) return discard("the card was declined")
    if (input.answer === 410) return cancel("the order is gone")
    return { charged: true, attempt }
  },
})

const slow = defineJob("report.slow", {
  timeout: "50ms",
  retry: { maxAttempts: 1 },
  run: ({ signal }) => wait(60_000, undefined, { signal }),
})

const endless = defineJob("report.endless", {
  async run({ signal, log }) {
    try {
      await wait(60_000, undefined, { signal })
    } catch {
      // One of Timeout, Cancelled, Shutdown and LeaseLost: the code can tell them apart.
      log.info(`told to stop: ${(signal.reason as Error).name}`)
      signal.throwIfAborted()
    }
  },
})

await using drover = new Drover({ store: sqlite(":memory:"), jobs: [poll, charge, slow, endless] })
await using _worker = await drover.work()

console.log("snooze:", await (await drover.enqueue(poll)).result())
for (const answer of [200, 429, 402, 410]) {
  const handle = await drover.enqueue(charge, { answer })
  const ended = await handle.result().catch((error: unknown) => error)
  console.log(answer, isDroverError(ended) ? `${ended.code}: ${ended.message}` : ended)
}

const late = await drover.enqueue(slow)
const timedOut = await late.result().catch((error: unknown) => error as Error)
console.log("timeout:", timedOut instanceof Error && (timedOut.cause as Error).message)

const running = await drover.enqueue(endless)
const started = new Promise((resolve) => drover.on("job.started", resolve))
await started
// From any process; the handler hears of it at once.
await running.cancel("nobody waits for it")
await running.result().catch((error: unknown) => console.log("cancel:", (error as Error).message))
console.log((await running.log()).lines.map((line) => line.message))
