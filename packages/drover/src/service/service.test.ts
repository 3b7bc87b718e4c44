import { expect, test } from "vitest"
import { isDroverError, Shutdown } from "../errors/index.ts"
import { Events } from "../events/index.ts"
import type { DroverEvents } from "../events/index.ts"
import { randomBelow } from "../time/index.ts"
import { Service } from "./index.ts"
import type { ServiceScope } from "./index.ts"
import { plannedFailure, startStopStress } from "./stress.fixture.ts"

function world(): { events: Events; failures: DroverEvents["service.failed"][]; log: string[] } {
  const events = new Events()
  const failures: DroverEvents["service.failed"][] = []
  const log: string[] = []
  events.on("service.failed", (data) => failures.push(data))
  events.on("service.started", () => log.push("started"))
  events.on("service.stopped", () => log.push("stopped"))
  return { events, failures, log }
}

function make(
  start: (scope: ServiceScope) => void | Promise<void>,
  events: Events = new Events(),
): Service {
  return new Service({ name: "unit", events, start })
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true })
  })
}

test("start and stop called again do nothing more, and join what is in progress", async () => {
  const { events, log } = world()
  const service = make(() => void log.push("body"), events)
  await service.stop()
  const [first, second] = [service.start(), service.start()]
  expect(service.state).toBe("starting")
  await Promise.all([first, second])
  await service.start()
  expect(service.state).toBe("running")
  await Promise.all([service.stop(), service.stop()])
  await service.stop()
  expect(service.state).toBe("stopped")
  expect(log).toEqual(["body", "started", "stopped"])
})

test("stop aborts with its reason, waits for the tasks, then gives back in reverse order", async () => {
  const log: string[] = []
  const seen: unknown[] = []
  const reason = new Shutdown("deploy")
  const service = make((scope) => {
    scope.defer((why) => void log.push(`first: ${why.message}`))
    scope.defer(async () => {
      await Promise.resolve()
      log.push("second")
    })
    scope.spawn(async (signal) => {
      await untilAborted(signal).catch((why: unknown) => seen.push(why))
      for (let i = 0; i < 20; i++) await Promise.resolve()
      log.push("task")
    })
  })
  await service.start()
  expect(service.stopReason).toBeUndefined()
  const stopping = service.stop(reason)
  expect(service.stopReason).toBe(reason)
  await stopping
  expect(seen).toEqual([reason])
  expect(log).toEqual(["task", "second", "first: deploy"])
})

test("without a reason of its own, a stop is a Shutdown; a later stop does not replace the reason", async () => {
  let seen: unknown
  const service = make((scope) => scope.defer((reason) => void (seen = reason)))
  await service.start()
  const first = service.stop()
  void service.stop(new Shutdown("second"))
  await first
  expect(seen).toMatchObject({ code: "DROVER_SHUTDOWN", message: "unit is stopping" })
})

test("a start that fails gives back what it had acquired, leaves nothing running, and may be tried again", async () => {
  const { events, failures, log } = world()
  const failure = plannedFailure()
  let fail = true
  const service = make((scope) => {
    scope.defer(() => void log.push("given back"))
    scope.spawn((signal) => untilAborted(signal).finally(() => log.push("task ended")))
    if (fail) throw failure
  }, events)
  await expect(service.start()).rejects.toBe(failure)
  expect(service.state).toBe("stopped")
  expect(log).toEqual(["task ended", "given back", "stopped"])
  expect(failures).toEqual([{ service: "unit", phase: "start", error: failure }])
  fail = false
  await service.start()
  expect(service.state).toBe("running")
  await service.stop()
})

test("a stop during the start aborts it: the start rejects with the stop's reason, a late success is undone", async () => {
  const gate = Promise.withResolvers<void>()
  const log: string[] = []
  const service = make(async (scope) => {
    await gate.promise
    scope.defer(() => void log.push("given back"))
  })
  const reason = new Shutdown("changed my mind")
  const starting = service.start()
  await Promise.resolve()
  const stopping = service.stop(reason)
  gate.resolve()
  await expect(starting).rejects.toBe(reason)
  await stopping
  expect(log).toEqual(["given back"])
  expect(service.state).toBe("stopped")
})

test("a stop in the same step as the start lets the body not even begin", async () => {
  let began = false
  const service = make(() => {
    began = true
  })
  const starting = service.start()
  await service.stop()
  await expect(starting).rejects.toMatchObject({ code: "DROVER_SHUTDOWN" })
  expect(began).toBe(false)
})

test("a start during a stop waits for it and then starts anew with a scope of its own", async () => {
  const gate = Promise.withResolvers<void>()
  const scopes: ServiceScope[] = []
  const service = make((scope) => {
    scopes.push(scope)
    if (scopes.length === 1) scope.defer(() => gate.promise)
  })
  await service.start()
  const stopping = service.stop()
  const starting = service.start()
  expect(scopes).toHaveLength(1)
  gate.resolve()
  await stopping
  await starting
  expect(scopes.map(({ signal }) => signal.aborted)).toEqual([true, false])
  expect(service.state).toBe("running")
  await service.stop()
})

test("a stop takes back a start that waits for an earlier stop", async () => {
  const gate = Promise.withResolvers<void>()
  let bodies = 0
  const service = make((scope) => {
    bodies++
    scope.defer(() => gate.promise)
  })
  await service.start()
  void service.stop()
  const starting = service.start()
  const reason = new Shutdown("no, stay down")
  const stopping = service.stop(reason)
  gate.resolve()
  await expect(starting).rejects.toBe(reason)
  await stopping
  expect([bodies, service.state]).toEqual([1, "stopped"])
})

test("a task that fails stops the service, tells who listens, and a new start works", async () => {
  const { events, failures, log } = world()
  const failure = new Error("connection lost")
  const gate = Promise.withResolvers<void>()
  let seen: unknown
  const service = make((scope) => {
    scope.defer((reason) => void (seen = reason))
    scope.spawn(async () => {
      await gate.promise
      throw failure
    })
  }, events)
  const told: unknown[] = []
  service.onFailed((error) => told.push(error))
  await service.start()
  gate.resolve()
  await events.next("service.stopped")
  expect(told).toEqual([failure])
  expect(failures).toEqual([{ service: "unit", phase: "run", error: failure }])
  expect(seen).toMatchObject({ code: "DROVER_SHUTDOWN", cause: failure })
  expect(log).toEqual(["started", "stopped"])
  await service.stop()
})

test("a part that fails during the start makes the start fail with its error", async () => {
  const failure = plannedFailure()
  const service = make(async (scope) => {
    scope.fail(failure)
    await Promise.resolve()
  })
  const told: unknown[] = []
  service.onFailed((error) => told.push(error))
  await expect(service.start()).rejects.toBe(failure)
  expect(told).toEqual([])
})

test("what a task throws because of the stop is no failure, anything else is reported", async () => {
  const { events, failures } = world()
  const odd = new Error("disk")
  const service = make((scope) => {
    scope.spawn((signal) => untilAborted(signal))
    scope.spawn((signal) =>
      untilAborted(signal).catch(() => Promise.reject(new DOMException("x", "AbortError"))),
    )
    scope.spawn((signal) => untilAborted(signal).catch(() => Promise.reject(odd)))
  }, events)
  await service.start()
  await service.stop()
  expect(failures).toEqual([{ service: "unit", phase: "stop", error: odd }])
})

test("a failure that repeats itself until the stop is over is told once, another one beside it", async () => {
  const { events, failures } = world()
  const service = make((scope) => {
    scope.defer(() => {
      for (let i = 0; i < 5; i++) scope.fail(new Error("the file is gone"))
      scope.fail(new Error("the disk is full"))
    })
    scope.spawn(() => Promise.reject(new Error("the file is gone")))
  }, events)
  const stopped = events.next("service.stopped")
  await service.start().catch(() => undefined)
  await stopped
  expect(failures.map(({ error }) => (error as Error).message)).toEqual([
    "the file is gone",
    "the disk is full",
  ])
})

test("every cleanup is called although others throw; the stop then rejects and the service is stopped", async () => {
  const { events, failures } = world()
  const [one, two] = [new Error("one"), new Error("two")]
  const log: string[] = []
  const service = make((scope) => {
    scope.defer(() => void log.push("last"))
    scope.defer(() => Promise.reject(one))
    scope.defer(() => {
      throw two
    })
  }, events)
  await service.start()
  await expect(service.stop()).rejects.toMatchObject({ errors: [two, one] })
  expect([log, service.state]).toEqual([["last"], "stopped"])
  expect(failures.map(({ phase, error }) => [phase, error])).toEqual([
    ["stop", two],
    ["stop", one],
  ])
  await service.stop()
  await service.start()
  await service.stop().catch(() => {})
})

test("a stop also waits for what its cleanups start, and is over when it says so", async () => {
  const log: string[] = []
  const service = make((scope) => {
    for (const name of ["a", "b", "c", "d"]) {
      scope.defer(() => {
        scope.spawn(async () => {
          for (let i = 0; i < 10; i++) await Promise.resolve()
          log.push(name)
        })
      })
    }
  })
  await service.start()
  expect(await service.stop().then(() => service.state)).toBe("stopped")
  expect(log).toEqual(["d", "c", "b", "a"])
})

test("await using stops it", async () => {
  const log: string[] = []
  {
    await using service = make((scope) => scope.defer(() => void log.push("given back")))
    await service.start()
  }
  expect(log).toEqual(["given back"])
})

test("a listener of its events may start it again or stop it", async () => {
  const events = new Events()
  const service = make(() => {}, events)
  events.once("service.started", () => void service.stop())
  await service.start()
  await events.next("service.stopped")
  expect(service.state).toBe("stopped")
  events.once("service.stopped", () => void service.start())
  await service.start()
  await service.stop()
  await events.next("service.started")
  expect(service.state).toBe("running")
  await service.stop()
})

test("the contract holds for any interleaving of starts, stops, slow bodies and failures", async () => {
  const stressed = startStopStress(
    (rng) => {
      let alive = 0
      const pause = async (): Promise<void> => {
        for (let i = randomBelow(rng, 5); i > 0; i--) await Promise.resolve()
      }
      const service = make(async (scope) => {
        alive++
        scope.defer(async () => {
          await pause()
          alive--
        })
        scope.spawn(async (signal) => {
          await untilAborted(signal).catch(pause)
        })
        await pause()
        if (rng.next() < 0.2) throw plannedFailure()
      })
      return {
        service,
        alive: () => alive,
        mayFailWith: (error) => isDroverError(error, "DROVER_STORE_IO"),
      }
    },
    { seeds: 300 },
  )
  await expect(stressed).resolves.toBeUndefined()
})
