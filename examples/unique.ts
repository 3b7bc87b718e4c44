// At most one job for each key: skip the second, replace the first, wait for quiet, or fold a burst.
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

const mail = defineJob("mail.welcome", {
  run: ({ input }: JobContext<{ user: number }>) => input.user,
})
const index = defineJob("search.index", {
  run: ({ input }: JobContext<{ rev: number }>) => input.rev,
})
const sync = defineJob("account.sync", {
  unique: ({ account }) => `account ${account}`,
  run: ({ input }: JobContext<{ account: number }>) => input.account,
})

await using drover = new Drover({ store: sqlite(":memory:"), jobs: [mail, index, sync] })

// skip (the default): whoever comes second gets the handle of the job that is there.
const user = { user: 7 }
const one = await drover.enqueue(mail, user, { unique: { key: "user:7", for: "1h" } })
const two = await drover.enqueue(mail, user, { unique: { key: "user:7", for: "1h" } })
console.log("skip:", one.status, two.status, one.id === two.id ? "same job" : "two jobs")

// Race-free: a hundred at once, from however many processes, are one job.
const racing = Array.from({ length: 100 }, () =>
  drover.enqueue(mail, { user: 8 }, { unique: "user:8" }),
)
const ids = new Set((await Promise.all(racing)).map((handle) => handle.id))
console.log("race:", ids.size, "job")

// replace: the job that waits takes over the newer input.
const draft = { key: "doc:1", mode: "replace" } as const
await drover.enqueue(index, { rev: 1 }, { runIn: "1m", unique: draft })
const replaced = await drover.enqueue(index, { rev: 2 }, { unique: draft })
console.log("replace:", replaced.status, (await replaced.get()).input)

// debounce: each enqueue moves the job back, so it runs once nothing came for 5 s, at the latest after 1 min.
const quiet = { key: "doc:2", mode: "debounce", maxWait: "1m" } as const
for (const rev of [1, 2, 3]) await drover.enqueue(index, { rev }, { runIn: "5s", unique: quiet })
console.log("debounce:", await drover.count({ uniqueKey: "doc:2" }), "job")

// throttle: the first of a window runs at once, the last one when the window ends.
const window = { key: "doc:3", mode: "throttle", for: "10s" } as const
for (const rev of [1, 2, 3, 4]) await drover.enqueue(index, { rev }, { unique: window })
const { jobs } = await drover.list({ uniqueKey: "doc:3" })
console.log(
  "throttle:",
  jobs.map((job) => `${job.state} ${JSON.stringify(job.input)}`).toReversed(),
)

// On the kind: no producer can forget the key, unless it says that it wants none.
await drover.enqueue(sync, { account: 7 })
const again = await drover.enqueue(sync, { account: 7 })
const extra = await drover.enqueue(sync, { account: 7 }, { unique: false })
console.log("of the kind:", again.status, extra.status)
