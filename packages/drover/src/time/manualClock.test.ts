import { expect, test } from "vitest"
import { ManualClock } from "./index.ts"

test("timers fire in the order of their due time, then of their making", async () => {
  const clock = new ManualClock()
  const fired: string[] = []
  for (const [name, delayMs] of [
    ["late", 20],
    ["first", 10],
    ["second", 10],
    ["past", -5],
  ] as const) {
    clock.setTimer(delayMs, () => fired.push(`${name}@${clock.monotonic()}`))
  }
  await clock.advance(15)
  expect(fired).toEqual(["past@0", "first@10", "second@10"])
  await clock.advance(5)
  expect(fired.at(-1)).toBe("late@20")
})

test("a timer that a callback or its promises arm on the way fires in the same advance", async () => {
  const clock = new ManualClock()
  const seen: number[] = []
  void (async () => {
    for (let i = 0; i < 5; i++) {
      await clock.sleep(10)
      seen.push(clock.monotonic())
    }
  })()
  await clock.advance(45)
  expect(seen).toEqual([10, 20, 30, 40])
})

test("both clocks move together, a jump moves the wall alone", async () => {
  const clock = new ManualClock(1_000)
  await clock.advance(500)
  clock.jumpWall(-900)
  expect([clock.now(), clock.monotonic()]).toEqual([600, 500])
})

test("a cancelled timer does not fire, and cancelling is safe at any time", async () => {
  const clock = new ManualClock()
  let fired = 0
  const cancelled = clock.setTimer(10, () => fired++)
  const other = clock.setTimer(10, () => {
    fired++
    cancelled.cancel()
  })
  cancelled.cancel()
  cancelled.cancel()
  await clock.advance(20)
  other.cancel()
  expect(fired).toBe(1)
  expect(clock.pending).toBe(0)
})

test("a sleep rejects with exactly the signal's reason and leaves no timer", async () => {
  const clock = new ManualClock()
  const abort = new AbortController()
  const sleeping = clock.sleep(1_000, { signal: abort.signal })
  const reason = { why: "enough" }
  abort.abort(reason)
  await expect(sleeping).rejects.toBe(reason)
  expect(clock.pending).toBe(0)
  await expect(clock.sleep(5, { signal: abort.signal })).rejects.toBe(reason)
  expect(clock.pending).toBe(0)
})

test("deferred work runs without time moving", async () => {
  const clock = new ManualClock()
  let ran = false
  clock.defer(() => {
    ran = true
  })
  await clock.settle()
  expect([ran, clock.monotonic()]).toEqual([true, 0])
})

test("a delay that is no number is a bug, not a timer that never fires", () => {
  expect(() => new ManualClock().setTimer(Number.NaN, () => {})).toThrow(/delay is a number/)
})
