import { expect, test } from "vitest"
import { readInThreads } from "./pool.ts"
import type { FileFailure, FileRecord } from "./record.ts"

/** A heap of this many nodes is more than a thread may have. */
const HUGE = `x = [${"f(a, b, c, 1, 'two'), ".repeat(40)}]\n`.repeat(6_000)

test("a text on which a thread dies costs that text, and the others are read", async () => {
  const jobs = Array.from({ length: 30 }, (_, i) => ({
    path: `f${i}.py`,
    text: i === 7 ? HUGE : `lock(${i})`,
  }))
  const results = new Map<number, FileRecord | FileFailure>()
  await readInThreads(jobs, {
    threads: 2,
    patterns: [{ source: "lock|two", flags: "" }],
    onResult: (index, result) => results.set(index, result),
    goesOn: () => Promise.resolve(true),
    heapMb: 64,
  })
  expect(results.size).toBe(30)
  const failed = [...results].filter(([, result]) => "failure" in result).map(([index]) => index)
  expect(failed).toEqual([7])
}, 60_000)

test("what is not to be begun is not read", async () => {
  const results: number[] = []
  await readInThreads([{ path: "a.py", text: "lock()" }], {
    threads: 1,
    patterns: [],
    onResult: (index) => results.push(index),
    goesOn: () => Promise.resolve(false),
  })
  expect(results).toEqual([])
})
