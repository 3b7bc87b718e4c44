import { getEventListeners } from "node:events"
import { expect, test } from "vitest"
import { Events } from "../events/index.ts"
import type { DroverEvents } from "../events/index.ts"
import { ManualClock, randomBelow, SeededRng } from "../time/index.ts"
import { RunLoop, Service } from "./index.ts"
import type { RunLoopOptions } from "./index.ts"
import { startStopStress } from "./stress.fixture.ts"

interface World {
  readonly clock: ManualClock
  readonly loop: RunLoop
  readonly failed: DroverEvents["service.round_failed"][]
  readonly abort: AbortController
  readonly done: Promise<void>
}

function run(
  options: Partial<RunLoopOptions> & Pick<RunLoopOptions, "round">,
  clock = new ManualClock(),
): World {
  const events = new Events()
  const failed: DroverEvents["service.round_failed"][] = []
  events.on("service.round_failed", (data) => failed.push(data))
  const abort = new AbortController()
  const rng = new SeededRng(1)
  const loop = new RunLoop({
    name: "loop",
    events,
    clock,
    rng,
    intervalMs: 1_000,
    jitterMs: 0,
    ...options,
  })
  return { clock, loop, failed, abort, done: loop.run(abort.signal) }
}

test("rounds come at the interval, counted from the end of the last one", async () => {
  const clock = new ManualClock()
  const starts: number[] = []
  const { abort, done } = run(
    { round: () => (starts.push(clock.monotonic()), clock.sleep(300)) },
    clock,
  )
  await clock.advance(3_000)
  expect(starts).toEqual([0, 1_300, 2_600])
  abort.abort()
  await done
})

test("or from its start, and a round that took longer is followed by the next at once", async () => {
  const clock = new ManualClock()
  const starts: number[] = []
  const lengths = [300, 2_500, 0, 0]
  const { abort, done } = run(
    {
      from: "start",
      round: async () => {
        starts.push(clock.monotonic())
        await clock.sleep(lengths[starts.length - 1] ?? 0)
      },
    },
    clock,
  )
  await clock.advance(5_000)
  expect(starts).toEqual([0, 1_000, 3_500, 4_500])
  abort.abort()
  await done
})

test("the first round may wait, and each pause gets a random part", async () => {
  const starts: number[] = []
  const clock = new ManualClock()
  const { abort, done } = run(
    { firstMs: 500, jitterMs: 400, round: () => void starts.push(clock.monotonic()) },
    clock,
  )
  await clock.advance(499)
  expect(starts).toEqual([])
  await clock.advance(20_000)
  const pauses = starts.slice(1).map((start, i) => start - starts[i]!)
  expect(pauses.every((pause) => pause >= 1_000 && pause < 1_400)).toBe(true)
  expect(new Set(pauses).size).toBe(pauses.length)
  abort.abort()
  await done
})

test("a round may say when the next one is due", async () => {
  const starts: number[] = []
  const clock = new ManualClock()
  const next = [50, 0, undefined]
  const { abort, done } = run(
    {
      round: () => {
        starts.push(clock.monotonic())
        return next[starts.length - 1]
      },
    },
    clock,
  )
  await clock.advance(1_100)
  expect(starts).toEqual([0, 50, 50, 1_050])
  abort.abort()
  await done
})

test("a wake-up starts the next round at once; many are one", async () => {
  let rounds = 0
  const { clock, loop, abort, done } = run({ round: () => void rounds++ })
  await clock.settle()
  loop.wake()
  loop.wake()
  loop.wake()
  await clock.settle()
  expect(rounds).toBe(2)
  await clock.advance(999)
  expect(rounds).toBe(2)
  abort.abort()
  await done
})

test("a wake-up during a round is not lost: another round follows right after, and never beside it", async () => {
  const clock = new ManualClock()
  let [rounds, running, most] = [0, 0, 0]
  const { loop, abort, done } = run(
    {
      round: async () => {
        rounds++
        most = Math.max(most, ++running)
        await clock.sleep(10)
        running--
      },
    },
    clock,
  )
  await clock.advance(5)
  loop.wake()
  loop.wake()
  await clock.advance(5)
  expect(rounds).toBe(2)
  await clock.advance(500)
  expect([rounds, most]).toEqual([2, 1])
  abort.abort()
  await done
})

test("failed rounds are reported and wait longer and longer, which a wake-up does not cut short", async () => {
  let rounds = 0
  const failure = new Error("locked")
  const { clock, loop, failed, abort, done } = run({
    round: () => {
      rounds++
      throw failure
    },
    backoff: {
      backoff: "exponential",
      baseMs: 100,
      factor: 2,
      capMs: 400,
      jitter: "none",
      maxAttempts: false,
    },
  })
  await clock.settle()
  loop.wake()
  await clock.advance(99)
  expect(rounds).toBe(1)
  await clock.advance(1)
  expect(rounds).toBe(2)
  await clock.advance(200 + 400 + 400)
  expect(failed.map(({ failures, retryInMs }) => [failures, retryInMs])).toEqual([
    [1, 100],
    [2, 200],
    [3, 400],
    [4, 400],
    [5, 400],
  ])
  expect(failed[0]).toMatchObject({ service: "loop", error: failure })
  abort.abort()
  await done
})

test("a good round ends the backoff", async () => {
  const outcomes = [false, false, true, false]
  let rounds = 0
  const { clock, failed, abort, done } = run({
    round: () => {
      if (outcomes[rounds++] === false) throw new Error("x")
    },
    backoff: {
      backoff: "fixed",
      baseMs: 10,
      factor: 1,
      capMs: 10,
      jitter: "none",
      maxAttempts: false,
    },
  })
  await clock.advance(1_100)
  expect(failed.map(({ failures }) => failures)).toEqual([1, 2, 1])
  abort.abort()
  await done
})

test("an abort ends the wait at once and leaves no timer and no listener", async () => {
  const { clock, abort, done } = run({ round: () => {} })
  await clock.advance(5_500)
  expect(clock.pending).toBe(1)
  expect(getEventListeners(abort.signal, "abort")).toHaveLength(1)
  abort.abort()
  await done
  expect(clock.pending).toBe(0)
  expect(getEventListeners(abort.signal, "abort")).toEqual([])
})

test("an abort during a round waits for it; what it throws then is passed on, not retried", async () => {
  const gate = Promise.withResolvers<void>()
  const { abort, done, failed } = run({ round: () => gate.promise })
  const odd = new Error("disk")
  abort.abort()
  gate.reject(odd)
  await expect(done).rejects.toBe(odd)
  expect(failed).toEqual([])
})

test("a service made of a loop keeps the contract", async () => {
  const stressed = startStopStress(
    (rng) => {
      const clock = new ManualClock()
      let alive = 0
      const loop = new RunLoop({
        name: "loop",
        events: new Events(),
        clock,
        rng,
        intervalMs: 50,
        round: async (signal) => {
          await clock.sleep(randomBelow(rng, 30), { signal })
          if (rng.next() < 0.3) throw new Error("round")
        },
      })
      const service = new Service({
        name: "loop",
        events: new Events(),
        start: (scope) => {
          alive++
          scope.defer(() => void alive--)
          scope.spawn((signal) => loop.run(signal))
        },
      })
      return { service, alive: () => alive, turn: () => clock.advance(20) }
    },
    { seeds: 50 },
  )
  await expect(stressed).resolves.toBeUndefined()
})
