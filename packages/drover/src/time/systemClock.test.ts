import { getEventListeners } from "node:events"
import fc from "fast-check"
import { expect, test } from "vitest"
import { systemClock } from "./index.ts"
import { systemClockWith, timerStepMs } from "./systemClock.ts"

const LONGEST = 2 ** 31 - 1

test("a wait beyond what Node's timers hold is cut into pieces, never fired at once", () => {
  expect(timerStepMs(2 ** 31)).toBe(LONGEST)
  expect(timerStepMs(100 * 365 * 86_400_000)).toBe(LONGEST)
  expect(timerStepMs(Number.POSITIVE_INFINITY)).toBe(LONGEST)
  expect(timerStepMs(0.2)).toBe(1)
  expect(timerStepMs(-3)).toBe(0)
})

test("the pieces of a wait add up to it", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e4, noNaN: true }),
      fc.integer({ min: 1, max: 500 }),
      (wait, longest) => {
        let leftMs = wait
        let pieces = 0
        while (leftMs > 0) {
          leftMs -= timerStepMs(leftMs, longest)
          pieces++
        }
        expect(pieces).toBe(Math.ceil(Math.ceil(wait) / longest))
      },
    ),
  )
})

test("a wait of many pieces fires once and not early", async () => {
  const clock = systemClockWith(3)
  const startMono = clock.monotonic()
  let fired = 0
  await new Promise<void>((resolve) => {
    clock.setTimer(20, () => {
      fired++
      resolve()
    })
  })
  expect(clock.monotonic() - startMono).toBeGreaterThanOrEqual(20)
  await new Promise<void>((resolve) => clock.defer(resolve))
  expect(fired).toBe(1)
})

test("a timer of 25 days has not fired when a later short one has, and a cancelled one never does", async () => {
  const fired: string[] = []
  const long = systemClock.setTimer(25 * 86_400_000, () => fired.push("long"), { ref: false })
  const piecewise = systemClockWith(1).setTimer(12, () => fired.push("piecewise"))
  await new Promise<void>((resolve) => {
    systemClock.setTimer(4, resolve)
  })
  // Between two of its pieces.
  piecewise.cancel()
  await new Promise<void>((resolve) => {
    systemClock.setTimer(20, resolve)
  })
  long.cancel()
  expect(fired).toEqual([])
})

test("deferred work runs after all promise callbacks", async () => {
  const order: string[] = []
  const deferred = new Promise<void>((resolve) => {
    systemClock.defer(() => {
      order.push("deferred")
      resolve()
    })
  })
  void Promise.resolve()
    .then(() => order.push("first"))
    .then(() => order.push("second"))
  await deferred
  expect(order).toEqual(["first", "second", "deferred"])
})

test("a sleep that ends or is aborted leaves no listener on its signal", async () => {
  const abort = new AbortController()
  await systemClock.sleep(1, { signal: abort.signal })
  expect(getEventListeners(abort.signal, "abort")).toEqual([])
  const sleeping = systemClock.sleep(60_000, { signal: abort.signal })
  abort.abort("stop")
  await expect(sleeping).rejects.toBe("stop")
})
