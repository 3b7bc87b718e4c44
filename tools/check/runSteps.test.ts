import { expect, test } from "vitest"
import { runSteps, type StepResult } from "./runSteps.ts"
import type { Step } from "./steps.ts"
import { steps } from "./steps.ts"

function step(name: string, code: string, after: readonly string[] = []): Step {
  return { name, command: [process.execPath, "-e", code], mend: "mend it", after }
}

async function outcomes(list: readonly Step[]): Promise<Record<string, string>> {
  const results = await run(list)
  return Object.fromEntries(results.map(({ step: { name }, outcome }) => [name, outcome]))
}

function run(list: readonly Step[]): Promise<readonly StepResult[]> {
  let ticks = 0
  return runSteps(list, {
    cwd: import.meta.dirname,
    env: process.env,
    width: 2,
    now: () => (ticks += 1),
    onResult: () => undefined,
  })
}

test("what comes after a failed step is skipped, and all else runs", async () => {
  const list = [
    step("build", "process.exit(3)"),
    step("pack", "", ["build"]),
    step("publint", "", ["pack"]),
    step("lint", ""),
    step("late", "", ["lint"]),
  ]
  expect(await outcomes(list)).toEqual({
    build: "failed",
    pack: "skipped",
    publint: "skipped",
    lint: "ok",
    late: "ok",
  })
})

test("a step keeps what it wrote to both streams", async () => {
  const [result] = await run([step("a", "console.log('out'); console.error('err')")])
  expect(result?.output).toMatch(/out/)
  expect(result?.output).toMatch(/err/)
})

test("a program that is not there fails its step and says so", async () => {
  const [result] = await run([{ name: "gone", command: ["./no-such-program"], mend: "install it" }])
  expect(result).toMatchObject({ outcome: "failed" })
  expect(result?.output).toMatch(/ENOENT/)
})

test("steps that wait for each other are refused instead of hanging", async () => {
  await expect(run([step("a", "", ["b"]), step("b", "", ["a"])])).rejects.toThrow(/circle/)
})

test("every real step comes after steps that exist and says how to mend it", () => {
  const names = steps.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { after = [], mend } of steps) {
    expect(mend).not.toBe("")
    for (const name of after) expect(names).toContain(name)
  }
})
