import { expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { ManualClock } from "../time/index.ts"
import { StoreTimer } from "./storeTimer.ts"

test("a process that is held up while it reads its clocks does not set the store's time ahead", async () => {
  const time = new ManualClock()
  let heldUpMs = 0
  let read = 0
  // Time passes between the first reading and the second, whichever these are.
  const reading = (clock: () => number): number => {
    const value = clock() + (read > 0 ? heldUpMs : 0)
    read++
    return value
  }
  const timer = new StoreTimer(
    {
      now: () => reading(() => time.now()),
      monotonic: () => reading(() => time.monotonic()),
      setTimer: (delayMs, callback) => time.setTimer(delayMs, callback),
      defer: (callback) => time.defer(callback),
      sleep: (delayMs, options) => time.sleep(delayMs, options),
    },
    new Events(),
  )
  timer.observe()
  heldUpMs = 40
  read = 0
  timer.observe()
  heldUpMs = 0
  read = 0
  await time.advance(100)
  expect(timer.observe()).toBe(time.now())
})
