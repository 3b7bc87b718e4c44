import { expect, test } from "vitest"
import { outcomesOf } from "./operation.ts"
import type { Operation } from "./operation.ts"

const line = (
  type: Operation["type"],
  monoNs: number,
  over: Partial<Operation> = {},
): Operation => ({
  process: "driver",
  call: 1,
  op: "enqueue",
  type,
  args: { jobs: ["a"] },
  monoNs,
  ...over,
})

test("an operation has the outcome of its second line", () => {
  const [outcome] = outcomesOf([line("invoke", 1e6), line("ok", 3e6, { result: 5 })])
  expect(outcome).toMatchObject({ type: "ok", fromMono: 1, toMono: 3, result: 5 })
})

test("one without a second line may have happened", () => {
  const [outcome] = outcomesOf([line("invoke", 1e6)])
  expect(outcome).toMatchObject({ type: "info", toMono: Number.POSITIVE_INFINITY })
})

test("processes count their calls each for itself, and all are in the order of time", () => {
  const other = { process: "worker-1/7" }
  const outcomes = outcomesOf([
    line("invoke", 5e6),
    line("invoke", 2e6, other),
    line("fail", 3e6, other),
    line("ok", 9e6),
  ])
  expect(outcomes.map(({ process, type }) => [process, type])).toEqual([
    ["worker-1/7", "fail"],
    ["driver", "ok"],
  ])
})
