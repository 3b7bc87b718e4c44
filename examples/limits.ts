// Limits over all processes: so many at once, so many of each tenant, so many starts in a window, fair shares.
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

interface Resize {
  readonly tenantId: string
  readonly ms: number
}

let [now, most] = [0, 0]
const order: string[] = []
const resize = defineJob("resize", {
  concurrency: [{ limit: 4 }, { limit: 2, name: "tenant", key: (input) => input.tenantId }],
  run: async ({ input }: JobContext<Resize>) => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, input.ms))
    now -= 1
  },
})
const call = defineJob("call", { rate: { limit: 3, per: "1h" }, run: () => "called" })
const report = defineJob("report", {
  queue: "reports",
  run: ({ input }: JobContext<string>) => void order.push(input),
})

await using drover = new Drover({
  store: sqlite(":memory:"),
  jobs: [resize, call, report],
  queues: { reports: { slots: 1, fair: { key: (input) => String(input) } } },
})

// One tenant with a hundred jobs holds up nobody: two of them run, and the others' go on.
const flood = Array.from({ length: 20 }, () => ({ input: { tenantId: "big", ms: 5 } }))
await drover.enqueueMany(resize, flood)
const small = await drover.enqueue(resize, { tenantId: "small", ms: 1 })
for (let n = 0; n < 5; n++) await drover.enqueue(call)
for (const tenant of ["a", "a", "a", "a", "b", "c"]) await drover.enqueue(report, tenant)

await using worker = await drover.work()
await small.result()
const waiting = await drover.count({ kinds: ["resize"], states: ["available"] })
console.log("small is done while big waits:", waiting > 10)

// An operator changes a limit while all runs; every process obeys at once, and a deploy does not undo it.
await drover.setLimit("kind:resize#concurrency.tenant", { limit: 4 })
while ((await drover.count({ kinds: ["resize"], states: ["completed"] })) < 21) {
  await new Promise((resolve) => setTimeout(resolve, 5))
}
console.log("at once:", most, "of 4")

for (const { name, setting, starts, waiting: held } of await drover.limits()) {
  if (name === "kind:call#rate")
    console.log("calls:", starts, "of", setting?.max, "- waiting:", held)
}
console.log("reports in turns:", order.join(" "))
await worker.stop()
