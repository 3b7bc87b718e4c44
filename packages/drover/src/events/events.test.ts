import { channel, subscribe, unsubscribe } from "node:diagnostics_channel"
import { getEventListeners } from "node:events"
import { expect, expectTypeOf, test, vi } from "vitest"
import { Events } from "./index.ts"
import type { DroverEvents, EventName } from "./index.ts"

const paused = { queue: "mail" } as const

test("listeners of a name get its data in the order of subscription, then those of any name", () => {
  const events = new Events()
  const seen: unknown[] = []
  events.onAny((name, data) => seen.push(["any", name, data]))
  events.on("queue.paused", (data) => seen.push(["first", data]))
  events.on("queue.paused", (data) => seen.push(["second", data]))
  events.on("queue.resumed", () => seen.push("never"))
  events.emit("queue.paused", paused)
  expect(seen).toEqual([
    ["first", paused],
    ["second", paused],
    ["any", "queue.paused", paused],
  ])
})

test("names and data are typed from the catalogue", () => {
  const events = new Events()
  events.on("job.failed", (data) => {
    expectTypeOf(data.retryInMs).toEqualTypeOf<number | false>()
  })
  expectTypeOf(events.next("queue.resized")).resolves.toEqualTypeOf<DroverEvents["queue.resized"]>()
  // @ts-expect-error no such event
  expect(events.wanted("job.exploded")).toBe(false)
})

test("a subscription ends when told, also twice, and the same function twice is two subscriptions", () => {
  const events = new Events()
  let calls = 0
  const listener = (): void => void calls++
  const first = events.on("queue.paused", listener)
  events.on("queue.paused", listener)
  const any = events.onAny(listener)
  first()
  first()
  any()
  any()
  events.emit("queue.paused", paused)
  expect(calls).toBe(1)
})

test("subscribing and unsubscribing during an emit does not disturb it", () => {
  const events = new Events()
  const seen: string[] = []
  const late = (): void => void seen.push("late")
  events.on("queue.paused", () => {
    seen.push("a")
    stopB()
    events.on("queue.paused", late)
  })
  const stopB = events.on("queue.paused", () => seen.push("b"))
  events.emit("queue.paused", paused)
  expect(seen).toEqual(["a", "b"])
  events.emit("queue.paused", paused)
  expect(seen).toEqual(["a", "b", "a", "late"])
})

test("wanted tells whether anybody listens, here or on the diagnostics channel", () => {
  const events = new Events()
  expect(events.wanted("queue.paused")).toBe(false)
  const stop = events.on("queue.paused", () => {})
  expect([events.wanted("queue.paused"), events.wanted("queue.resumed")]).toEqual([true, false])
  stop()
  expect(events.wanted("queue.paused")).toBe(false)
  const stopAny = events.onAny(() => {})
  expect(events.wanted("queue.resumed")).toBe(true)
  stopAny()
  const onMessage = (): void => {}
  subscribe("drover:queue.paused", onMessage)
  expect([events.wanted("queue.paused"), events.wanted("queue.resumed")]).toEqual([true, false])
  unsubscribe("drover:queue.paused", onMessage)
  expect(events.wanted("queue.paused")).toBe(false)
})

test("an event is published on its diagnostics channel, whoever subscribed first", () => {
  const seen: unknown[] = []
  const onMessage = (message: unknown): void => void seen.push(message)
  subscribe("drover:queue.paused", onMessage)
  const events = new Events()
  events.emit("queue.paused", paused)
  expect(channel("drover:queue.paused").hasSubscribers).toBe(true)
  unsubscribe("drover:queue.paused", onMessage)
  events.emit("queue.paused", paused)
  expect(seen).toEqual([paused])
})

test("a listener that throws or rejects is reported and disturbs nobody", async () => {
  const events = new Events()
  const thrown = new Error("listener")
  const reports: unknown[] = []
  const after = vi.fn<() => void>()
  events.on("drover.listener_failed", (data) => reports.push(data))
  events.on("queue.paused", () => {
    throw thrown
  })
  // An async function is what a user may well pass here.
  // oxlint-disable-next-line typescript/no-misused-promises
  events.on("queue.paused", async () => {
    await Promise.resolve()
    throw thrown
  })
  events.on("queue.paused", after)
  events.emit("queue.paused", paused)
  expect(after).toHaveBeenCalledOnce()
  await new Promise<void>((resolve) => events.once("drover.listener_failed", () => resolve()))
  const report = { event: "queue.paused", error: thrown }
  expect(reports).toEqual([report, report])
})

test("a failing listener of the failure report is told by one process warning, never by recursion", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {})
  const events = new Events()
  let calls = 0
  events.onAny(() => {
    calls++
    throw Object.create(null)
  })
  events.emit("queue.paused", paused)
  events.emit("queue.paused", paused)
  expect(calls).toBe(4)
  expect(warn).toHaveBeenCalledOnce()
  expect(warn.mock.calls[0]).toMatchObject([
    /drover.listener_failed.*cannot be shown/,
    { code: "DROVER_LISTENER_FAILED" },
  ])
})

test("without a listener of the report, a failing listener is told by a process warning", () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {})
  const events = new Events()
  events.on("queue.paused", () => {
    throw new Error("mine")
  })
  events.emit("queue.paused", paused)
  expect(warn.mock.calls[0]?.[0]).toMatch(/"queue.paused" failed: Error: mine/)
})

test("next waits for the first event that passes the filter, and sees none of the past", async () => {
  const events = new Events()
  events.emit("queue.resized", { queue: "mail", slots: 1 })
  const big = events.next("queue.resized", ({ slots }) => slots > 5)
  events.emit("queue.resized", { queue: "mail", slots: 3 })
  events.emit("queue.resized", { queue: "mail", slots: 8 })
  events.emit("queue.resized", { queue: "mail", slots: 9 })
  await expect(big).resolves.toEqual({ queue: "mail", slots: 8 })
  expect(events.wanted("queue.resized")).toBe(false)
})

test("next rejects with exactly the signal's reason and leaves nothing behind", async () => {
  const events = new Events()
  const abort = new AbortController()
  const reason = { why: "late" }
  const waiting = events.next("queue.paused", undefined, { signal: abort.signal })
  abort.abort(reason)
  await expect(waiting).rejects.toBe(reason)
  await expect(events.next("queue.paused", undefined, { signal: abort.signal })).rejects.toBe(
    reason,
  )
  expect(events.wanted("queue.paused")).toBe(false)

  const other = new AbortController()
  const resolved = events.next("queue.paused", undefined, { signal: other.signal })
  events.emit("queue.paused", paused)
  await resolved
  expect(getEventListeners(other.signal, "abort")).toEqual([])
})

test("a filter that throws rejects the wait", async () => {
  const events = new Events()
  const thrown = new Error("filter")
  const waiting = events.next("queue.paused", () => {
    throw thrown
  })
  events.emit("queue.paused", paused)
  await expect(waiting).rejects.toBe(thrown)
  expect(events.wanted("queue.paused")).toBe(false)
})

test("once is called once, even when it emits the same event itself", () => {
  const events = new Events()
  let calls = 0
  const again: EventName = "queue.paused"
  events.once(again, () => {
    calls++
    events.emit(again, paused)
  })
  events.emit(again, paused)
  events.emit(again, paused)
  expect(calls).toBe(1)
})
