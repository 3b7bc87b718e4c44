import { expect, test } from "vitest"
import { cleanStop } from "./cleanStop.ts"
import { contend } from "./contend.ts"
import { poison } from "./poison.ts"
import { storm } from "./storm.ts"
import { takeover } from "./takeover.ts"
import { zombie } from "./zombie.ts"

// The short forms of `npm run crash`: real processes, real signals, one real file.
const limits = { timeout: 120_000 }

test("a killed worker's jobs run again at once where its death can be proved", limits, async () => {
  const { violations, jobs } = await takeover(true)
  expect(violations).toEqual([])
  expect(jobs).toBe(10)
})

test("and after its lease where it cannot", limits, async () => {
  const { violations, worstRestartMs, leaseMs } = await takeover(false)
  expect(violations).toEqual([])
  // Not before the lease ended, or else something other than the lease decided.
  expect(worstRestartMs).toBeGreaterThan(leaseMs / 2)
})

test(
  "a worker paused beyond its lease hears LeaseLost, writes nothing and goes on",
  limits,
  async () => {
    expect((await zombie()).violations).toEqual([])
  },
)

test(
  "a worker stopped by SIGTERM leaves nothing running, and no job pays for it",
  limits,
  async () => {
    const { violations, interruptions } = await cleanStop()
    expect(violations).toEqual([])
    expect(interruptions).toBe(10)
  },
)

test(
  "a job that kills its process runs alone from then on, and ends at its last crash",
  limits,
  async () => {
    const { violations, executions } = await poison()
    expect(violations).toEqual([])
    expect(executions).toBe(3)
  },
)

test("20 SIGKILLs at every crash point: nothing lost, nothing doubled", limits, async () => {
  const report = await storm({ kills: 20, seed: "36" })
  expect(report.violations).toEqual([])
  expect(report.kills).toBeGreaterThanOrEqual(20)
  expect(report.acknowledged).toBeGreaterThan(0)
  expect(report.crashes).toBeGreaterThan(0)
})

test("8 processes drain one file: no busy error surfaces, no job runs twice", limits, async () => {
  const report = await contend({ jobs: 20_000, processes: 8, limitMs: 90_000 })
  expect(report.violations).toEqual([])
  expect(report.contenders).toHaveLength(8)
})
