import { spawnSync } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { drainFigures } from "./drain.ts"
import { enqueueFigures } from "./enqueue.ts"
import { idleFigures, memoryFigures } from "./idle.ts"
import { keyFigures } from "./keys.ts"
import { latencyFigures } from "./latency.ts"
import { limitFigures } from "./limits.ts"
import type { Figure } from "./measure.ts"
import { reviewFigures } from "./review.ts"
import { scheduleFigures } from "./schedules.ts"
import { Scratch } from "./world.ts"

/**
 * `npm run bench`: Drover beside the ceiling of the database it runs on, in one run. Machines differ and
 * are noisy, so read the ratios first. Benchmarks measure; no test asserts what they print.
 */
const sections = {
  enqueue: enqueueFigures,
  keys: keyFigures,
  drain: drainFigures,
  limits: limitFigures,
  latency: latencyFigures,
  schedules: scheduleFigures,
  idle: idleFigures,
  memory: memoryFigures,
  review: reviewFigures,
} as const

// The peers are a program of their own: what they need is installed in their folder alone.
if (process.argv.includes("--peers")) {
  const words = [...process.execArgv, `${import.meta.dirname}/peers/main.ts`]
  const run = spawnSync(process.execPath, [...words, ...process.argv.slice(2)], {
    stdio: "inherit",
  })
  process.exit(run.status ?? 1)
}

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    only: { type: "string" },
    size: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
})

const size = Number(values.size)
const names = values.only === undefined ? Object.keys(sections) : values.only.split(",")
const unknown = names.filter((name) => !(name in sections))
if (values.help || unknown.length > 0 || !(size > 0)) {
  console.error(
    `npm run bench -- [--json] [--only ${Object.keys(sections).join(",")}] [--size 1]\n` +
      `npm run bench -- --peers --help\n` +
      `A size of 0.1 does a tenth of the work. The database files go below TMPDIR.`,
  )
  process.exit(values.help ? 0 : 2)
}

if (!values.json) {
  console.log(
    `Node ${process.version}, SQLite ${process.versions["sqlite"]}, ${availableParallelism()} cores`,
  )
  console.log(line(["", "Drover", "ceiling", "ratio", "unit"]))
}
for (const name of names as (keyof typeof sections)[]) {
  using scratch = new Scratch()
  for await (const figure of sections[name](scratch, size)) print(figure)
}

function print(figure: Figure): void {
  if (values.json) console.log(JSON.stringify(figure))
  else {
    console.log(
      line([
        figure.name,
        String(figure.value),
        String(figure.raw ?? ""),
        String(figure.ratio ?? ""),
        figure.unit,
      ]),
    )
  }
}

function line([name, value, raw, ratio, unit]: readonly string[]): string {
  return `${name!.padEnd(58)} ${value!.padStart(9)} ${raw!.padStart(9)} ${ratio!.padStart(6)}  ${unit}`
}
