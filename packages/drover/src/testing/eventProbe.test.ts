import { describe, expect, test } from "vitest"
import { Events } from "../events/index.ts"
import { EventProbe } from "./eventProbe.ts"

const paused = (queue: string): { queue: string } => ({ queue })

describe("a probe", () => {
  test("gives events that came before the question, in order, each once", async () => {
    const events = new Events()
    const probe = new EventProbe(events)
    events.emit("queue.paused", paused("a"))
    events.emit("queue.paused", paused("b"))
    expect(await probe.next("queue.paused")).toEqual(paused("a"))
    expect(await probe.next("queue.paused")).toEqual(paused("b"))
    const third = probe.next("queue.paused")
    events.emit("queue.paused", paused("c"))
    expect(await third).toEqual(paused("c"))
  })

  test("waits for the event that has these fields, or passes a function", async () => {
    const events = new Events()
    const probe = new EventProbe(events)
    const byFields = probe.next("queue.paused", { queue: "b" })
    const byFunction = probe.next("queue.resized", ({ slots }) => slots > 5)
    events.emit("queue.paused", paused("a"))
    events.emit("queue.paused", paused("b"))
    events.emit("queue.resized", { queue: "a", slots: 1 })
    events.emit("queue.resized", { queue: "a", slots: 9 })
    expect(await byFields).toEqual(paused("b"))
    expect(await byFunction).toMatchObject({ slots: 9 })
  })

  test("keeps everything, and lists what passes a filter", () => {
    const events = new Events()
    using probe = new EventProbe(events)
    for (const queue of ["a", "b", "a"]) events.emit("queue.paused", paused(queue))
    expect(probe.of("queue.paused", { queue: "a" })).toHaveLength(2)
    expect(probe.all.map(({ name }) => name)).toEqual([
      "queue.paused",
      "queue.paused",
      "queue.paused",
    ])
  })

  test("gives up after 10 000 other events and says what came instead", async () => {
    const events = new Events()
    const probe = new EventProbe(events)
    const waiting = probe.next("queue.resumed").catch((error: unknown) => error)
    for (let i = 0; i < 10_000; i++) events.emit("queue.paused", paused("a"))
    expect(await waiting).toMatchObject({ message: /10000 × queue\.paused/ })
  })

  test("ends a wait with exactly the signal's reason", async () => {
    const probe = new EventProbe(new Events())
    const reason = new Error("enough")
    const controller = new AbortController()
    const waiting = probe.next("queue.paused", undefined, { signal: controller.signal })
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })

  test("records nothing after it was closed", () => {
    const events = new Events()
    const probe = new EventProbe(events)
    probe.close()
    events.emit("queue.paused", paused("a"))
    expect(probe.all).toEqual([])
  })
})
