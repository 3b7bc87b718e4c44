// What an operator does while workers run: pause, resize, edit, cancel, retry, look at the trail.
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

const send = defineJob("mail.send", {
  queue: "mail",
  retry: { maxAttempts: 1 },
  run({ input }: JobContext<{ to: string }>) {
    if (!input.to.includes("@")) throw new Error(`"${input.to}" is no address`)
    return `sent to ${input.to}`
  },
})

await using drover = new Drover({
  store: sqlite(":memory:"),
  jobs: [send],
  queues: { mail: { slots: 20 } },
  // Who is named in the trail.
  actor: "api:ann",
})
await using _worker = await drover.work()

// Durable, and seen by every process. Running jobs go on.
await drover.pauseQueue("mail")
const typo = await drover.enqueue(send, { to: "bob at example.org" })
const spam = await drover.enqueueMany(
  send,
  ["x@example.com", "y@example.com"].map((to) => ({ input: { to }, options: { tags: ["spam"] } })),
)

// Waiting jobs can be changed; the new input is checked as at enqueue.
await drover.edit(typo.id, { input: { to: "bob.example.org" }, priority: 1 })

// By filter: first how many, then do it.
const { matched } = await drover.cancel({ tags: ["spam"] }, { dryRun: true })
const { changed } = await drover.cancel({ tags: ["spam"] }, { reason: "not wanted" })
console.log(`cancelled ${changed.length} of ${matched}`, await spam[0]!.state())

await drover.resizeQueue("mail", 2)
await drover.resumeQueue("mail")
await typo.result().catch((error: unknown) => console.log((error as Error).message))

// Put right and run again, with one more attempt.
await drover.pauseQueue("mail")
await drover.retry(typo.id, { reason: "address put right" })
await drover.edit(typo.id, { input: { to: "bob@example.org" } })
await drover.resumeQueue("mail")
console.log(await typo.result())

for (const step of await typo.trail()) {
  console.log(step.from ?? "-", "→", step.to, step.actor ?? "", step.reason ?? "")
}
