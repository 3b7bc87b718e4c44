// Handlers that block or crash, in a thread or a process of their own: the worker and its other jobs go on.
import { defineJob, Drover } from "drover"
import type { JobContext, JobDefinition } from "drover"
import { sqlite } from "drover/sqlite"

/** Keeps a processor busy. In a thread it holds up nobody else's event loop. */
export const primes: JobDefinition<{ below: number }, { count: number }> = defineJob(
  "math.primes",
  {
    isolation: "thread",
    // Threads and processes load the handler from its module, so it must be exported from there.
    module: import.meta.url,
    run({ input }: JobContext<{ below: number }>) {
      let count = 0
      for (let n = 2; n < input.below; n++) if (isPrime(n)) count++
      return { count }
    },
  },
)

/** Dies, as native code with a bug does. Only its process goes with it. */
export const crashing: JobDefinition = defineJob("native.crashing", {
  isolation: "process",
  module: import.meta.url,
  maxCrashes: 2,
  run() {
    process.kill(process.pid, "SIGKILL")
  },
})

function isPrime(n: number): boolean {
  for (let d = 2; d * d <= n; d++) if (n % d === 0) return false
  return true
}

// The module is loaded again in each thread and process: only the program itself runs what follows.
if (import.meta.main) {
  await using drover = new Drover({ store: sqlite(":memory:"), jobs: [primes, crashing] })
  await using _worker = await drover.work()

  const bad = await drover.enqueue(crashing)
  const good = await drover.enqueue(primes, { below: 50_000 })
  console.log("thread:", await good.result())
  await bad.result().catch((error: unknown) => console.log("process:", (error as Error).message))
  const { crashes, attempt } = await bad.get()
  console.log({ crashes, attempt })
}
