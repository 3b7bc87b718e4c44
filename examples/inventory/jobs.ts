import { hash } from "node:crypto"
import { defineJob, snooze, waitingStates } from "drover"
import type { Drover, EnqueueItem, JobDefinition, JobState, Snooze } from "drover"
import { z } from "zod"
import { bytesOf } from "./fileName.ts"
import type { FileName } from "./fileName.ts"
import { measureFile } from "./measure.ts"
import type { Measure } from "./measure.ts"
import { writeSummary } from "./summary.ts"
import type { Summary } from "./summary.ts"
import { codeOf, walk } from "./walk.ts"

const walkInput: z.ZodType<WalkInput, WalkInput> = z.object({
  run: z.string(),
  root: z.string(),
  skip: z.array(z.string()),
  own: z.array(z.string()),
})
const fileInput: z.ZodType<FileInput, FileInput> = z.object({
  run: z.string(),
  root: z.string(),
  path: z.string(),
  base64: z.string().optional(),
})
const summaryInput: z.ZodType<SummaryInput, SummaryInput> = z.object({
  run: z.string(),
  out: z.string(),
})

export interface WalkInput {
  readonly run: string
  readonly root: string
  /** Names of folders not to enter. */
  readonly skip: string[]
  /** Paths that are the program's own. */
  readonly own: string[]
}

export interface FileInput {
  readonly run: string
  readonly root: string
  readonly path: string
  readonly base64?: string | undefined
}

export interface SummaryInput {
  readonly run: string
  readonly out: string
}

/** What became of one file: measured, or left out and why. */
export type FileResult = { readonly measured: Measure } | { readonly leftOut: string }

/** What a walk met that is not a file. */
export interface WalkResult {
  readonly files: number
  /** At most 1000 of them; `skippedCount` has them all. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[]
  readonly skippedCount: number
}

/** The kinds of an inventory. */
export interface InventoryJobs {
  readonly walk: JobDefinition<WalkInput, WalkResult>
  readonly file: JobDefinition<FileInput, FileResult>
  readonly summary: JobDefinition<SummaryInput, Summary>
}

/** The states of a job that has not ended. */
export const UNFINISHED: readonly JobState[] = [...waitingStates, "running"]

const ENQUEUE_CHUNK = 500
const SKIPPED_SHOWN = 1000
const SUMMARY_PAUSE = "50ms"
/**
 * An inventory survives being killed any number of times, and no file is to blame for that: these jobs may
 * lose their process more often than the three times after which Drover gives a job up.
 */
const KILLS_ALLOWED = 1000

/** Defines the jobs. They need the client they run on, because the walk enqueues the files. */
export function inventoryJobs(drover: () => Drover): InventoryJobs {
  const file = defineJob("inventory.file", {
    input: fileInput,
    queue: "files",
    maxCrashes: KILLS_ALLOWED,
    run: ({ input, signal }) => measureOne(input, signal),
  })
  const walkJob = defineJob("inventory.walk", {
    input: walkInput,
    queue: "inventory",
    timeout: false,
    maxCrashes: KILLS_ALLOWED,
    run: ({ input, signal }) =>
      walkFolder(input, signal, (items) => drover().enqueueMany(file, items)),
  })
  const summary = defineJob("inventory.summary", {
    input: summaryInput,
    queue: "inventory",
    // After the walk, whichever was enqueued first.
    priority: 200,
    maxCrashes: KILLS_ALLOWED,
    run: ({ input }) => summarise(drover(), input),
  })
  return { walk: walkJob, file, summary }
}

async function measureOne(input: FileInput, signal: AbortSignal): Promise<FileResult> {
  const name: FileName =
    input.base64 === undefined ? { path: input.path } : { path: input.path, base64: input.base64 }
  try {
    return {
      measured: await measureFile(
        Buffer.concat([Buffer.from(`${input.root}/`), bytesOf(name)]),
        signal,
      ),
    }
  } catch (error) {
    // Aborted is not unreadable: the job goes back and runs again.
    signal.throwIfAborted()
    // A file that cannot be read is a fact to report, not a failure to retry.
    return { leftOut: codeOf(error) }
  }
}

type FileItem = EnqueueItem<FileInput>

async function walkFolder(
  input: WalkInput,
  signal: AbortSignal,
  enqueue: (items: readonly FileItem[]) => Promise<unknown>,
): Promise<WalkResult> {
  const own = new Set(input.own)
  const skipped: { path: string; reason: string }[] = []
  let skippedCount = 0
  let files = 0
  let chunk: FileItem[] = []
  for await (const found of walk(Buffer.from(input.root), new Set(input.skip))) {
    signal.throwIfAborted()
    if (found.kind === "skipped") {
      skippedCount++
      if (skipped.length < SKIPPED_SHOWN)
        skipped.push({ path: found.name.path, reason: found.reason })
    } else if (!own.has(found.name.path)) {
      files++
      chunk.push(fileItem(input, found.name))
      if (chunk.length === ENQUEUE_CHUNK) {
        await enqueue(chunk)
        chunk = []
      }
    }
  }
  await enqueue(chunk)
  return { files, skipped, skippedCount }
}

function fileItem({ run, root }: WalkInput, name: FileName): FileItem {
  return { input: { run, root, ...name }, options: { id: fileJobId(run, name), tags: [run] } }
}

/**
 * One job for each path of a run, however often the walk is interrupted and starts again: an enqueue with an id that
 * is there already is the same job. The id is the run's, a UUIDv7, with a hash of the path in place of what is random.
 */
function fileJobId(run: string, name: FileName): string {
  const digest = hash("sha256", Buffer.concat([Buffer.from(run), bytesOf(name)]))
  const variant = "89ab"[Number.parseInt(digest.charAt(3), 16) & 3]
  return `${run.slice(0, 15)}${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`
}

async function summarise(drover: Drover, { run, out }: SummaryInput): Promise<Summary | Snooze> {
  const unfinished = await drover.count(
    { kinds: ["inventory.walk", "inventory.file"], tags: [run], states: UNFINISHED },
    1,
  )
  if (unfinished > 0) return snooze(SUMMARY_PAUSE)
  return writeSummary(drover, run, out)
}
