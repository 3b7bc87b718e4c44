import { expect, test } from "vitest"
import { isDroverError, Shutdown } from "../errors/index.ts"
import { Events } from "../events/index.ts"
import { randomBelow } from "../time/index.ts"
import { Service, serviceGroup } from "./index.ts"
import type { Startable } from "./index.ts"
import { plannedFailure, startStopStress } from "./stress.fixture.ts"

interface Member {
  readonly service: Service
  /** Makes the running service fail. */
  fail(error: unknown): void
}

function member(name: string, log: string[], body: () => void | Promise<void> = () => {}): Member {
  const controls: { fail: (error: unknown) => void } = { fail: () => {} }
  const service = new Service({
    name,
    events: new Events(),
    start: async (scope) => {
      controls.fail = (error) => scope.fail(error)
      scope.defer((reason) => void log.push(`-${name} ${reason.message}`))
      await body()
      log.push(`+${name}`)
    },
  })
  return { service, fail: (error) => controls.fail(error) }
}

function group(members: readonly Member[]): { all: Service; events: Events } {
  const events = new Events()
  const services = members.map(({ service }) => service)
  return { all: serviceGroup({ name: "all", events, services }), events }
}

test("members start in order and stop in reverse, with the group's reason", async () => {
  const log: string[] = []
  const { all } = group([member("a", log), member("b", log), member("c", log)])
  await all.start()
  await all.stop(new Shutdown("deploy"))
  expect(log).toEqual(["+a", "+b", "+c", "-c deploy", "-b deploy", "-a deploy"])
})

test("when one cannot start, those before it are stopped, those after it never start, and it may be tried again", async () => {
  const log: string[] = []
  const failure = plannedFailure()
  let fail = true
  const { all } = group([
    member("a", log),
    member("b", log, () => {
      if (fail) throw failure
    }),
    member("c", log),
  ])
  await expect(all.start()).rejects.toBe(failure)
  expect(log).toEqual(["+a", "-b planned failure", "-a planned failure"])
  fail = false
  log.length = 0
  await all.start()
  expect(log).toEqual(["+a", "+b", "+c"])
  await all.stop()
})

test("a stop during a member's start is passed on to it at once", async () => {
  const log: string[] = []
  const never = new Service({
    name: "slow",
    events: new Events(),
    // Ends its start only when it is told to stop.
    start: (scope) =>
      new Promise<void>((_, reject) => {
        scope.signal.addEventListener("abort", () => reject(scope.signal.reason as Error))
      }),
  })
  const { all } = group([member("a", log), { service: never, fail: () => {} }, member("c", log)])
  const starting = all.start()
  const reason = new Shutdown("too slow")
  for (let i = 0; i < 20; i++) await Promise.resolve()
  const stopping = all.stop(reason)
  await expect(starting).rejects.toBe(reason)
  await stopping
  expect(log).toEqual(["+a", "-a too slow"])
})

test("a stop between two members lets the next one not begin", async () => {
  const log: string[] = []
  let stopping: Promise<void> | undefined
  // The stop comes as the last thing of its start, which then resolves although the group is stopping.
  const first: Startable = {
    name: "first",
    start: () => {
      stopping = both.stop(new Shutdown("now"))
      return Promise.resolve()
    },
    stop: () => Promise.resolve(),
    onFailed: () => () => {},
  }
  const services = [first, member("second", log).service]
  const both = serviceGroup({ name: "both", events: new Events(), services })
  await expect(both.start()).rejects.toThrow("now")
  await stopping
  expect(log).toEqual([])
})

test("when one fails while it runs, the group stops the others and fails with it", async () => {
  const log: string[] = []
  const members = [member("a", log), member("b", log), member("c", log)]
  const { all, events } = group(members)
  const told: unknown[] = []
  all.onFailed((error) => told.push(error))
  await all.start()
  const failure = plannedFailure()
  members[1]!.fail(failure)
  await events.next("service.stopped")
  expect(told).toEqual([failure])
  expect(log.slice(3).toSorted((a, b) => a.localeCompare(b))).toEqual([
    "-a planned failure",
    "-b planned failure",
    "-c planned failure",
  ])
  expect(members.map(({ service }) => service.state)).toEqual(["stopped", "stopped", "stopped"])
})

test("the contract holds for a group whose members are slow and fail to start", async () => {
  const stressed = startStopStress(
    (rng) => {
      const periods = [0, 0, 0]
      const pause = async (): Promise<void> => {
        for (let i = randomBelow(rng, 4); i > 0; i--) await Promise.resolve()
      }
      const services = periods.map(
        (_, index) =>
          new Service({
            name: `member ${index}`,
            events: new Events(),
            start: async (scope) => {
              periods[index]!++
              scope.defer(async () => {
                await pause()
                periods[index]!--
              })
              await pause()
              if (rng.next() < 0.1) throw plannedFailure()
            },
          }),
      )
      const service = serviceGroup({ name: "all", events: new Events(), services })
      return {
        service,
        // A running group is alive when all its members are, a stopped one while any is.
        alive: () => {
          const most = Math.max(...periods)
          return service.state === "running" && most === 1 ? Math.min(...periods) : most
        },
        mayFailWith: (error) => isDroverError(error, "DROVER_STORE_IO"),
      }
    },
    { seeds: 200 },
  )
  await expect(stressed).resolves.toBeUndefined()
})
