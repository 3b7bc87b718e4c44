// Enqueue a job in the ways there are: now, later, with a priority, many at once, changed while it waits.
import { defineJob, Drover } from "drover"
import { sqlite } from "drover/sqlite"
import { z } from "zod"

const resize = defineJob("image.resize", {
  input: z.object({ key: z.string(), width: z.number().int().positive() }),
  queue: "media",
  retry: { maxAttempts: 5, base: "2s", cap: "5m" },
  timeout: "2m",
  async run({ input, attempt, log }) {
    log.info({ width: input.width }, "resizing")
    return { key: `${input.key}@${input.width}`, attempt }
  },
})

await using drover = new Drover({
  store: sqlite(":memory:"),
  jobs: [resize],
  queues: { media: { slots: 8 } },
})

// On disk when this resolves. The input's type comes from the schema, the result's from the handler.
const now = await drover.enqueue(resize, { key: "cat.png", width: 200 })
console.log("now:", now.status, await now.state())

// Not before ten minutes from now, ahead of others, found by its tags.
const later = await drover.enqueue(
  resize,
  { key: "dog.png", width: 200 },
  { runIn: "10m", priority: 10, tags: ["pets"], metadata: { askedBy: "ann" }, expireIn: "1h" },
)
console.log("later:", later.status, await later.state())

// A waiting job can be changed.
console.log("rescheduled:", await later.reschedule({ runIn: "1h" }))
console.log("edited:", await later.edit({ input: { key: "dog.png", width: 400 }, priority: 500 }))

// Many at once: a thousand to a transaction.
const items = Array.from({ length: 2_500 }, (_, n) => ({ input: { key: `${n}.png`, width: 64 } }))
const handles = await drover.enqueueMany(resize, items)
console.log("many:", handles.length, "of", await drover.count({ kinds: [resize.kind] }))

// An enqueue that may have to be repeated, because its answer can get lost, carries its own id.
const id = drover.newId()
const first = await drover.enqueue(resize, { key: "once.png", width: 64 }, { id })
const again = await drover.enqueue(resize, { key: "once.png", width: 64 }, { id })
console.log("same id:", first.status, "then", again.status)

// What cannot be stored or does not fit the schema is refused before the database sees it.
const wrong = { key: "owl.png", width: -1 }
await drover.enqueue(resize, wrong).catch((error: Error) => console.log("refused:", error.message))

console.log("cancelled:", (await drover.cancel({ tags: ["pets"] })).changed.length)
