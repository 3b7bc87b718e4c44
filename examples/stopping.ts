// A deploy: the worker stops, a job that is not done is handed back at no cost, the next worker runs it.
import { setTimeout as wait } from "node:timers/promises"
import { defineJob, Drover, Shutdown } from "drover"
import { sqlite } from "drover/sqlite"

const slow = defineJob("video.encode", {
  async run({ attempt, signal }) {
    if (attempt > 1) return `done in attempt ${attempt}`
    try {
      return await wait(60_000, "done at once", { signal })
    } finally {
      if (signal.reason instanceof Shutdown) console.log("asked to stop: saving where I am")
    }
  },
})

await using drover = new Drover({ store: sqlite(":memory:"), jobs: [slow] })
const handle = await drover.enqueue(slow)

const started = new Promise((resolve) => drover.on("job.started", resolve))
const old = await drover.work()
await started
// What `await using` and SIGTERM under `drover work` do, with less patience: nothing is claimed any more, and what
// is not done in time is aborted and handed back.
await old.stop({ grace: "100ms" })
const { state, interruptions, failures } = await handle.get()
console.log({ state, interruptions, failures })

await using _next = await drover.work()
console.log(await handle.result())
