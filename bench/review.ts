import { spawn } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { text } from "node:stream/consumers"
import type { Readable } from "node:stream"
import { join } from "node:path"
import { figure, median } from "./measure.ts"
import type { Figure } from "./measure.ts"
import { changeFile, commitAll, writeTree } from "./reviewTree.ts"
import type { Scratch } from "./world.ts"

const PROGRAM = join(import.meta.dirname, "../packages/review/dist/cli/main.js")
const FILES = 1000
const CHANGED = 20
const ROUNDS = 3

/** Tells at its end what the process used: time of all its threads, and the most memory that it had at once. */
const METER = `data:text/javascript,${encodeURIComponent(
  'import{writeSync}from"node:fs";process.on("exit",()=>writeSync(3,JSON.stringify(process.resourceUsage())))',
)}`

interface Run {
  readonly seconds: number
  /** Of all threads. */
  readonly computed: number
  readonly megabytes: number
}

/**
 * `drover-review` as people run it, on a repository of all languages: without and with what it keeps between runs, for
 * a change, and for one file. Beside each figure stands what it must not exceed on two cores.
 */
export async function* reviewFigures(scratch: Scratch, size: number): AsyncGenerator<Figure> {
  if (!existsSync(PROGRAM)) throw new Error("there is no build: npm run build")
  const root = join(scratch.folder, "tree")
  const count = Math.max(CHANGED, Math.round(FILES * size))
  const { paths, bytes } = writeTree(root, count)
  commitAll(root)
  yield figure(`review: files of the tree`, count, "files")
  yield figure(`review: size of the tree`, bytes / 1e6, "MB")
  const rounds = await inRounds((round) => {
    const cache = join(scratch.folder, `cache${round}`)
    return [() => program(root, cache), () => program(root, cache)]
  })
  const [cold, warm] = [rounds.map(([run]) => run!), rounds.map(([, run]) => run!)]
  yield* figuresOf("cold", cold, 4 * size)
  yield* figuresOf("warm", warm, 0.6)
  yield figure("review: peak memory, cold", megabytesOf(cold), "MB", 600)
  const step = Math.floor(paths.length / CHANGED)
  for (let at = 0; at < CHANGED; at++) changeFile(root, paths[at * step]!)
  commitAll(root)
  const diffs = await inRounds((round) => {
    const cache = join(scratch.folder, `cache${round}`)
    return [() => program(root, cache, "--diff", "HEAD~1..HEAD")]
  })
  yield* figuresOf(
    `diff of ${CHANGED} files`,
    diffs.map(([run]) => run!),
    1,
  )
  const one = join(scratch.folder, "one")
  mkdirSync(one)
  writeFileSync(join(one, "client.go"), readFileSync(join(root, paths[0]!)))
  const starts = await inRounds(() => [() => program(one, null)])
  yield* figuresOf(
    "one file",
    starts.map(([run]) => run!),
    0.4,
  )
}

function* figuresOf(name: string, runs: readonly Run[], limit: number): Generator<Figure> {
  yield figure(`review: ${name}`, median(runs.map(({ seconds }) => seconds)), "s", limit)
  yield figure(
    `review: ${name}, time of all threads`,
    median(runs.map(({ computed }) => computed)),
    "s",
  )
}

function megabytesOf(runs: readonly Run[]): number {
  return Math.max(...runs.map(({ megabytes }) => megabytes))
}

/** Each round from its beginning, so that a machine that slows down slows all steps. */
async function inRounds(
  steps: (round: number) => readonly (() => Promise<Run>)[],
): Promise<Run[][]> {
  const rounds: Run[][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const runs: Run[] = []
    for (const step of steps(round)) runs.push(await step())
    rounds.push(runs)
  }
  return rounds
}

async function program(
  root: string,
  cache: string | null,
  ...more: readonly string[]
): Promise<Run> {
  const kept = cache === null ? ["--no-cache"] : ["--cache-dir", cache]
  const words = [PROGRAM, "--root", root, "--format", "concise", ...kept, ...more]
  const start = performance.now()
  const child = spawn(process.execPath, ["--import", METER, ...words], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  })
  const closed = new Promise<number | null>((resolve) => child.once("close", resolve))
  const [told, meter] = await Promise.all([text(child.stderr!), text(child.stdio[3] as Readable)])
  const status = await closed
  const seconds = (performance.now() - start) / 1000
  if (status !== 0 && status !== 1) throw new Error(`drover-review ended with ${status}: ${told}`)
  const used = JSON.parse(meter) as NodeJS.ResourceUsage
  return {
    seconds,
    computed: (used.userCPUTime + used.systemCPUTime) / 1e6,
    megabytes: used.maxRSS / 1024,
  }
}
