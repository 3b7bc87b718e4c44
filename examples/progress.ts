// Logs, progress and events: what a job says while it runs, stored beside it, seen from anywhere.
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

const importRows = defineJob("rows.import", {
  run({ input, log, progress }: JobContext<{ rows: number }>) {
    for (let row = 1; row <= input.rows; row++) {
      if (row % 1000 === 0) log.info({ row }, "still importing")
      // Called as often as one likes: writes are spaced out, and the last value is always stored.
      progress({ done: row, of: input.rows })
    }
    return { imported: input.rows }
  },
})

await using drover = new Drover({
  store: sqlite(":memory:"),
  jobs: [importRows],
  // Any logger of pino's shape gets every event; without one Drover is silent.
  logger: {
    debug: () => {},
    info: (_fields, message) => console.log("info ", message),
    warn: (_fields, message) => console.log("warn ", message),
    error: (_fields, message) => console.log("error", message),
  },
})
drover.on("job.completed", ({ kind, durationMs }) => {
  console.log(`${kind} took ${durationMs < 60_000 ? "less" : "more"} than a minute`)
})

{
  await using _worker = await drover.work()
  const handle = await drover.enqueue(importRows, { rows: 3000 })
  console.log(await handle.result())
  console.log((await handle.get()).progress?.value)
  const { lines, dropped } = await handle.log()
  console.log(
    lines.map((line) => [line.message, line.fields]),
    { dropped },
  )
}
