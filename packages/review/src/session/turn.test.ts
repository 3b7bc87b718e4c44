import { expect, test } from "vitest"
import { Turn } from "./turn.ts"

/** Timers that run when the test says so, and a task that ends when it says so. */
function setUp() {
  const timers = new Set<() => void>()
  const ends: (() => void)[] = []
  const turn = new Turn({
    after: (_, callback) => {
      const timer = (): void => {
        timers.delete(timer)
        callback()
      }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    quietMs: 100,
    task: () => new Promise((resolve) => ends.push(resolve)),
  })
  const pass = (): void => {
    for (const timer of timers) timer()
  }
  /** Lets everything that follows from a promise happen. */
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  return { turn, timers, ends, pass, settle }
}

test("many requests at once are one run, after they are over", () => {
  const { turn, timers, ends, pass } = setUp()
  for (let i = 0; i < 5; i++) turn.request()
  expect(timers.size).toBe(1)
  expect(ends).toHaveLength(0)
  pass()
  expect(ends).toHaveLength(1)
})

test("what comes during a run waits for its end, and runs once", async () => {
  const { turn, ends, pass, settle } = setUp()
  turn.request()
  pass()
  turn.request()
  pass()
  turn.request()
  pass()
  expect(ends).toHaveLength(1)
  ends[0]!()
  await settle()
  expect(ends).toHaveLength(2)
  ends[1]!()
  await settle()
  expect(ends).toHaveLength(2)
})

test("what comes at the end of a run is still left its moment of quiet", async () => {
  const { turn, ends, pass, settle } = setUp()
  turn.request()
  pass()
  turn.request()
  ends[0]!()
  await settle()
  expect(ends).toHaveLength(1)
  pass()
  expect(ends).toHaveLength(2)
})

test("after a stop nothing starts, and the stop waits for the run under way", async () => {
  const { turn, ends, pass, settle, timers } = setUp()
  turn.request()
  pass()
  turn.request()
  let isStopped = false
  const stopped = turn.stop().then(() => (isStopped = true))
  turn.request()
  expect(timers.size).toBe(0)
  await settle()
  expect(isStopped).toBe(false)
  ends[0]!()
  await stopped
  expect(ends).toHaveLength(1)
})
