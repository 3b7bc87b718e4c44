// Work that recurs: declared in code, changed while it runs, every tick accounted for.
import { defineJob, Drover, schedule } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

const digest = defineJob("digest", {
  run: ({ input }: JobContext<{ readonly to: string }>) => `digest for ${input.to}`,
})

// Nine in the morning in Paris, also on the two days on which the clocks change. A tick that was missed runs late.
const daily = schedule("daily-digest", {
  cron: "0 9 * * *",
  timeZone: "Europe/Paris",
  job: digest,
  input: { to: "ann" },
})

// Counted from when it first came to be, so that it never drifts; no two at once.
const often = schedule("often", {
  every: "200ms",
  job: digest,
  input: { to: "bob" },
  overlap: "skip",
})

await using drover = new Drover({
  store: sqlite(":memory:"),
  jobs: [digest],
  schedules: [daily, often],
})
const ticked = drover.events.next("schedule.ticked")
await drover.work()

// Look ahead.
const view = await drover.schedules.get("daily-digest", { next: 3 })
const inParis = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Paris", timeStyle: "short" })
console.log("next:", view?.next.map((at) => inParis.format(at)).join(", "))

// The leader fires what is due: one client of the whole fleet, here this one.
const { schedule: name, jobId } = await ticked
console.log("ticked:", name, "→", await drover.job(jobId, digest).result())

// What an operator decides survives the next deploy, field by field.
await drover.schedules.pause("often")
await drover.schedules.edit("daily-digest", { cron: "30 9 * * 1-5" })
await drover.deploySchedules()
const edited = await drover.schedules.get("daily-digest")
console.log("edited:", edited?.rules?.cron, "by", edited?.updatedBy)

// A job now; the ticks stay as they are planned.
const extra = await drover.schedules.trigger("daily-digest")
console.log("triggered:", await drover.job(extra, digest).result())

for (const { action, schedule: of, actor } of await drover.schedules.changes()) {
  console.log("change:", of, action, "by", actor)
}
