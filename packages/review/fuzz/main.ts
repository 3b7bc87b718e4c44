/**
 * `npm run review:fuzz -- --seconds N --seed S`: any bytes as any language must neither crash nor hang the reviewer.
 * Prints the slowest cases; exits with 1 after a crash, a case that does not end, or a file over its budget. What went
 * wrong is written to a folder, because a case is made of fixtures and is another one when they change; until then
 * `--seed S --case I` replays it.
 */
import { once } from "node:events"
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import { caseOf } from "./cases.ts"
import { readSeeds } from "./seeds.ts"
import type { Answer } from "./worker.ts"

/** Processor time that one step may take on one case. */
const BUDGET_MS = 5_000
/** Parsing ends itself after 10 s, and Kotlin is parsed again where its first tree is broken. */
const PARSE_BUDGET_MS = 22_000
/** Wall time after which a case is taken for one that never ends, on a machine that does other things too. */
const HANG_MS = 120_000
const SHOWN = 10
/** More of one kind tell nothing more. */
const SHOWN_FAILURES = 20

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    case: { type: "string" },
  },
})
const seed = wholeNumber("--seed", values.seed)
const only = values.case === undefined ? null : wholeNumber("--case", values.case)
const seconds = wholeNumber("--seconds", values.seconds)

interface Slow {
  readonly index: number
  readonly kind: string
  readonly step: string
  readonly ms: number
}

const seeds = readSeeds()
const slowest: Slow[] = []
const problems = new Map<string, string>()
let tried = 0
let found = 0
let hidden = 0

if (only !== null) console.log(writeCase(only))
await run()
report()

async function run(): Promise<void> {
  const endAt = performance.now() + seconds * 1000
  let worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: { seed } })
  for (let index = only ?? 0; only === null ? performance.now() < endAt : index === only; index++) {
    const answer = await answerOf(worker, index)
    tried++
    if (typeof answer !== "string") {
      take(answer)
      continue
    }
    add(answer, index, answer)
    await worker.terminate()
    worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: { seed } })
  }
  await worker.terminate()
}

/** The answer, or why there is none. */
async function answerOf(worker: Worker, index: number): Promise<Answer | string> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), HANG_MS)
  try {
    worker.postMessage(index)
    const [answer] = (await once(worker, "message", { signal: stop.signal })) as [Answer]
    return answer
  } catch (error) {
    return stop.signal.aborted
      ? `did not end within ${HANG_MS} ms`
      : `the thread died: ${String(error)}`
  } finally {
    clearTimeout(timer)
  }
}

function take({ index, kind, steps, failures, findings }: Answer): void {
  found += findings
  for (const { step, reason } of failures) {
    add(`${step}: ${reason.replaceAll(/\d+/g, "N")}`, index, `${step}: ${reason}`)
  }
  for (const { name: step, ms } of steps) {
    slowest.push({ index, kind, step, ms })
    if (ms > (step === "parse" ? PARSE_BUDGET_MS : BUDGET_MS)) {
      add(`${step} slow`, index, `${step} took ${Math.round(ms)} ms of the processor`)
    }
  }
  slowest.sort((a, b) => b.ms - a.ms)
  slowest.length = Math.min(slowest.length, SHOWN)
}

function add(key: string, index: number, text: string): void {
  if (problems.has(key)) return
  if (problems.size < SHOWN_FAILURES) problems.set(key, `${text}\n  ${writeCase(index)}`)
  else hidden++
}

function report(): void {
  console.log(
    `${tried} cases of seed ${seed}, ${found} findings. Slowest steps, in processor time:`,
  )
  for (const { index, kind, step, ms } of slowest) {
    console.log(`  ${String(Math.round(ms)).padStart(5)} ms  ${step}, case ${index} (${kind})`)
  }
  for (const text of problems.values()) console.log(`\n${text}`)
  if (hidden > 0) console.log(`\nand ${hidden} more`)
  console.log(
    problems.size === 0 ? "nothing crashed, hung or was late" : `\n${problems.size} problems`,
  )
  if (problems.size > 0) process.exitCode = 1
}

/** Writes a case to a folder, and says where. */
function writeCase(index: number): string {
  const { kind, texts } = caseOf(seed, index, seeds)
  const folder = mkdtempSync(join(tmpdir(), "drover-fuzz-"))
  for (const { path, text } of texts) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return `case ${index} (${kind}) is in ${folder}`
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  console.error(`${option} "${text}" is not a whole number`)
  process.exit(2)
}
