/**
 * `npm run crash -- --limits [--store postgres] [--jobs 10000] [--processes 16]`: many processes under limits of 5 at
 * once and 100 starts in a second, half of them killed.
 * `npm run crash [-- --kills 200] [--seed S]`: kills, pauses and stops real processes over one database and judges what
 * they left. `npm run crash -- --contend [--jobs 400000] [--processes 8]`: many processes drain one file.
 * Exits with 1 when anything that was promised does not hold.
 */
import { parseArgs } from "node:util"
import { cleanStop } from "./cleanStop.ts"
import { contend } from "./contend.ts"
import { limits } from "./limits.ts"
import { poison } from "./poison.ts"
import { storm } from "./storm.ts"
import { takeover } from "./takeover.ts"
import { zombie } from "./zombie.ts"

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    contend: { type: "boolean", default: false },
    limits: { type: "boolean", default: false },
    store: { type: "string", default: "sqlite" },
    jobs: { type: "string" },
    processes: { type: "string" },
  },
})

const violations = values.limits
  ? await runLimits()
  : values.contend
    ? await runContend()
    : await runKills()
for (const violation of violations.slice(0, 50)) console.error(`VIOLATION ${violation}`)
if (violations.length > 50) console.error(`… and ${violations.length - 50} more`)
console.log(violations.length === 0 ? "ok" : `${violations.length} violations`)
process.exitCode = violations.length === 0 ? 0 : 1

async function runKills(): Promise<readonly string[]> {
  const proved = await takeover(true)
  const silent = await takeover(false)
  print("a killed worker's jobs start again", [
    ["with proof of death, worst ms", proved.worstRestartMs],
    [`by the lease of ${silent.leaseMs} ms, worst ms`, silent.worstRestartMs],
  ])
  const woken = await zombie()
  print("a worker paused beyond its lease", [
    ["handlers told LeaseLost", `${woken.toldLeaseLost} of ${woken.jobs - 1}`],
    ["late settlements fenced", woken.fenced],
    ["jobs run properly afterwards", woken.ranLater],
  ])
  const stopped = await cleanStop()
  print("a worker stopped by SIGTERM", [
    ["jobs left running", stopped.runningAfterStop],
    ["handed back as interrupted", `${stopped.interruptions} of ${stopped.jobs}`],
  ])
  const poisoned = await poison()
  print("a job that kills its process whenever it runs", [
    ["runs until it is discarded", poisoned.executions],
    ["most crashes of a bystander", poisoned.bystandersCrashes],
  ])
  const report = await storm({ kills: Number(values.kills), seed: values.seed })
  const { points, violations, ...counts } = report
  print(`storm`, Object.entries(counts))
  print("SIGKILLs by where they struck", [...points])
  const untouched = [...points].filter(([, count]) => count === 0).map(([point]) => point)
  return [
    ...[proved, silent, woken, stopped, poisoned].flatMap(({ violations }) => violations),
    ...violations,
    ...untouched.map((point) => `nothing was killed ${point}`),
  ]
}

async function runContend(): Promise<readonly string[]> {
  const jobs = Number(values.jobs ?? 400_000)
  const processes = Number(values.processes ?? 8)
  const report = await contend({ jobs, processes, limitMs: 600_000 })
  console.log(`${report.jobs} jobs, ${report.jobsPerSecond} jobs/s`)
  console.table(
    report.contenders.map(({ pid, ran, worstGapMs, worstOwnMs, busy, worstBusyMs }) => ({
      pid,
      jobs: ran.length,
      "worst event-loop gap ms": Math.round(worstGapMs),
      "most own work in a gap ms": Math.round(worstOwnMs),
      "waits for others": busy,
      "longest wait ms": Math.round(worstBusyMs),
    })),
  )
  const worst = Math.max(...report.contenders.map(({ worstGapMs }) => worstGapMs))
  return worst < 100
    ? report.violations
    : [...report.violations, `an event loop stood still for ${Math.round(worst)} ms`]
}

async function runLimits(): Promise<readonly string[]> {
  const { violations, ...report } = await limits({
    store: values.store === "postgres" ? "postgres" : "sqlite",
    jobs: Number(values.jobs ?? 10_000),
    processes: Number(values.processes ?? 16),
    ...{ limit: 5, rate: 100, limitMs: 600_000 },
  })
  print(`limits on ${values.store}: 5 at once, 100 starts in a second`, Object.entries(report))
  return violations
}

function print(title: string, rows: readonly (readonly [string, string | number])[]): void {
  console.log(`\n${title}`)
  for (const [name, value] of rows) {
    const shown = typeof value === "number" ? Math.round(value) : value
    console.log(`  ${name.padEnd(36)} ${shown}`)
  }
}
