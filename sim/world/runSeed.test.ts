import { expect, test } from "vitest"
import { runSeed } from "./runSeed.ts"
import { drawConfig } from "./seedConfig.ts"

const SHORT = { hours: 0.08 }

test("two runs of one seed have the same history, and another seed another", async () => {
  const first = await runSeed({ seed: 3, ...SHORT })
  const again = await runSeed({ seed: 3, ...SHORT })
  const other = await runSeed({ seed: 4, ...SHORT })
  expect(first.violation).toBeUndefined()
  expect(again.hash).toBe(first.hash)
  expect(other.hash).not.toBe(first.hash)
})

test("a run goes through faults, healing and a clean stop of every process", async () => {
  const { violation, sometimes, jobs, simulatedMs } = await runSeed({ seed: 5, ...SHORT })
  expect(violation).toBeUndefined()
  expect(jobs).toBeGreaterThan(4)
  expect(simulatedMs).toBeGreaterThan(0.08 * 3_600_000)
  expect(sometimes.count("a worker stopped cleanly")).toBeGreaterThanOrEqual(1)
})

test("faults and actions can be picked by their place, and fewer processes meet the same ones", () => {
  const whole = drawConfig({ seed: 9 })
  const part = drawConfig({ seed: 9, faults: [2, 0], actions: [1], processes: 2 })
  expect(part.faults).toEqual([whole.faults[2], whole.faults[0]])
  expect(part.actions).toEqual([whole.actions[1]])
  expect(part).toMatchObject({ processes: 2, durationMs: whole.durationMs, pollMs: whole.pollMs })
})
