import { hash } from "node:crypto"
import { Drover } from "drover"
import { sqlite } from "drover/sqlite"
import { readRequest, USAGE } from "./arguments.ts"
import type { Request } from "./arguments.ts"
import { measureWithoutDrover } from "./compare.ts"
import { forTerminal } from "./fileName.ts"
import { inventoryJobs, UNFINISHED } from "./jobs.ts"
import type { InventoryJobs } from "./jobs.ts"
import { Progress } from "./progress.ts"
import type { Summary } from "./summary.ts"

/**
 * An inventory of a folder, as a real program on Drover: one job walks, one job for each file measures, one
 * job writes the CSV when all others have ended. All of its state is in the database file, so it can be
 * killed at any time.
 */
// More than the disk can serve at once, so that outcomes come in crowds and share one sync to disk.
const FILES_AT_ONCE = 128
const LEFT_OUT_LINES = 20

const request = readRequest(process.argv.slice(2))
if (typeof request === "string") {
  console.error(request === "" ? USAGE : `${forTerminal(request)}\n\n${USAGE}`)
  process.exitCode = request === "" ? 0 : 2
} else process.exitCode = await main(request)

async function main(request: Request): Promise<number> {
  const stop = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => stop.abort(signal))
  const jobs: InventoryJobs = inventoryJobs(() => drover)
  const drover: Drover = new Drover({
    store: sqlite(request.db),
    jobs: [jobs.walk, jobs.file, jobs.summary],
    queues: { files: { slots: FILES_AT_ONCE }, inventory: { slots: 2 } },
  })
  await using _closing = drover
  const { run, summaryId, resumed } = await beginOrResume(drover, jobs, request)
  console.error(
    `${resumed ? "Going on with" : "Taking"} the inventory of ${forTerminal(request.root)}`,
  )
  if (request.skip.length > 0)
    console.error(`Not entering: ${request.skip.map(forTerminal).join(", ")}`)

  const before = request.compare ? await measureWithoutDrover(request, FILES_AT_ONCE) : 0
  const progress = new Progress(drover, run)
  await using worker = await drover.work()
  let summary: Summary
  try {
    using _shown = progress
    summary = await drover.job(summaryId, jobs.summary).result({ signal: stop.signal })
  } catch (error) {
    if (!stop.signal.aborted) throw error
    console.error(
      `\n${String(stop.signal.reason)}: stopped. Start it again with the same --db to go on.`,
    )
    return 130
  }
  await worker.stop()
  report(request, summary, progress)
  if (request.compare) await compare(request, before, progress)
  return 0
}

/** Finds the run of this folder and CSV that has not ended, or begins one. */
async function beginOrResume(
  drover: Drover,
  jobs: InventoryJobs,
  { root, out, skip, own }: Request,
): Promise<{ readonly run: string; readonly summaryId: string; readonly resumed: boolean }> {
  const what = hash("sha256", JSON.stringify([root, out, skip]))
  const { jobs: summaries } = await drover.list({
    kinds: [jobs.summary.kind],
    tags: [what],
    states: UNFINISHED,
  })
  const open = summaries[0]
  if (open !== undefined) {
    return { run: (open.input as { run: string }).run, summaryId: open.id, resumed: true }
  }
  const run = drover.newId()
  // Together, so that there is no walk without a summary, nor a summary without a walk.
  const summaryId = await drover.transaction(async (tx) => {
    await tx.enqueue(jobs.walk, { run, root, skip: [...skip], own: [...own] }, { tags: [run] })
    const summary = await tx.enqueue(jobs.summary, { run, out }, { tags: [what] })
    return summary.id
  })
  return { run, summaryId, resumed: false }
}

function report({ out }: Request, summary: Summary, progress: Progress): void {
  const seconds = progress.elapsedMs / 1000
  console.log(`${summary.files} files, ${summary.bytes} bytes → ${forTerminal(out)}`)
  console.log(`${progress.done} of them measured by this process in ${seconds.toFixed(1)} s`)
  const types = Object.entries(summary.mediaTypes).slice(0, 8)
  if (types.length > 0) console.log(types.map(([type, count]) => `${type} ${count}`).join(", "))
  if (summary.leftOutCount === 0) return
  console.log(`Left out: ${summary.leftOutCount}`)
  for (const { path, reason } of summary.leftOut.slice(0, LEFT_OUT_LINES)) {
    console.log(`  ${forTerminal(path)}: ${reason}`)
  }
  const more = summary.leftOutCount - LEFT_OUT_LINES
  if (more > 0) console.log(`  and ${more} more`)
}

// Without Drover once before and once after, so that neither has the warmer caches.
async function compare(request: Request, beforeMs: number, progress: Progress): Promise<void> {
  const oursMs = progress.elapsedMs
  const plainMs = (beforeMs + (await measureWithoutDrover(request, FILES_AT_ONCE))) / 2
  const share = Math.max(0, 1 - plainMs / oursMs)
  console.log(
    `Without Drover ${(plainMs / 1000).toFixed(1)} s, with it ${(oursMs / 1000).toFixed(1)} s: ${Math.round(share * 100)} % of the time is Drover's`,
  )
}
