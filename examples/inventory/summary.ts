import { rename, writeFile } from "node:fs/promises"
import type { Drover, Job } from "drover"
import { inventoryCsv } from "./csv.ts"
import type { InventoryRow } from "./csv.ts"
import type { FileInput, FileResult, WalkResult } from "./jobs.ts"

/** A path that is not in the CSV, and why. */
export interface LeftOut {
  readonly path: string
  readonly reason: string
}

/** What a run came to. */
export interface Summary {
  readonly files: number
  readonly bytes: number
  /** How many files of each media type, told from their content. */
  readonly mediaTypes: Readonly<Record<string, number>>
  /** At most 1000 of them; `leftOutCount` has them all. */
  readonly leftOut: readonly LeftOut[]
  readonly leftOutCount: number
}

const PAGE = 1000
const LEFT_OUT_SHOWN = 1000

/** Collects the results of a run, writes the CSV in one step, and says what it came to. Safe to do twice. */
export async function writeSummary(drover: Drover, run: string, out: string): Promise<Summary> {
  const rows: InventoryRow[] = []
  const leftOut: LeftOut[] = []
  const mediaTypes = new Map<string, number>()
  let bytes = 0
  let leftOutCount = 0
  for await (const job of jobsOf(drover, run)) {
    if (job.kind === "inventory.walk") {
      const { skipped, skippedCount } = job.result as WalkResult
      leftOut.push(...skipped)
      leftOutCount += skippedCount
      continue
    }
    const { path } = job.input as FileInput
    const result = (job.result as FileResult | undefined) ?? { leftOut: job.reason ?? job.state }
    if ("measured" in result) {
      const { mediaType, ...measure } = result.measured
      rows.push({ path, ...measure })
      bytes += measure.bytes
      mediaTypes.set(mediaType, (mediaTypes.get(mediaType) ?? 0) + 1)
    } else {
      leftOutCount++
      leftOut.push({ path, reason: result.leftOut })
    }
  }
  // Written beside and renamed: whoever looks sees the old file or the whole new one.
  const draft = `${out}.${run}.part`
  await writeFile(draft, inventoryCsv(rows))
  await rename(draft, out)
  return {
    files: rows.length,
    bytes,
    mediaTypes: Object.fromEntries([...mediaTypes].sort((a, b) => b[1] - a[1])),
    leftOut: leftOut.slice(0, LEFT_OUT_SHOWN),
    leftOutCount,
  }
}

async function* jobsOf(drover: Drover, run: string): AsyncGenerator<Job> {
  let after: string | null = null
  do {
    const page = await drover.list(
      { kinds: ["inventory.walk", "inventory.file"], tags: [run] },
      { limit: PAGE, after },
    )
    yield* page.jobs
    after = page.next
  } while (after !== null)
}
