import { expect, test } from "vitest"
import { Shutdown } from "../errors/index.ts"
import { childLogger, eventLevels, Events, logEvents } from "./index.ts"
import type { Logger, LogLevel } from "./index.ts"

type Line = readonly [level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string]

function recorder(
  bound: Readonly<Record<string, unknown>> = {},
  lines: Line[] = [],
): Logger & { lines: Line[] } {
  const at =
    (level: LogLevel): Logger[LogLevel] =>
    (fields, message) =>
      void lines.push([level, { ...bound, ...fields }, message])
  return {
    lines,
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  }
}

const attempt = { jobId: "j1", kind: "mail.send", queue: "mail", attempt: 2 } as const
const error = new Error("refused")

test("each event becomes one line: its level, its data, its name", () => {
  const events = new Events()
  const logger = recorder()
  const stop = logEvents(events, logger)
  events.emit("job.failed", { ...attempt, error, failures: 2, retryInMs: 1_000 })
  events.emit("queue.paused", { queue: "mail" })
  stop()
  events.emit("queue.paused", { queue: "mail" })
  expect(logger.lines).toEqual([
    ["warn", { ...attempt, err: error, failures: 2, retryInMs: 1_000 }, "job.failed"],
    ["info", { queue: "mail" }, "queue.paused"],
  ])
})

test("why something stopped is told in a line, without a stack", () => {
  const events = new Events()
  const logger = recorder()
  logEvents(events, logger)
  events.emit("worker.stopping", { worker: "w1", reason: new Shutdown("the worker is stopping") })
  expect(logger.lines).toEqual([
    ["info", { worker: "w1", reason: "Shutdown: the worker is stopping" }, "worker.stopping"],
  ])
})

test("what is less grave than the level that was asked for is not told", () => {
  const events = new Events()
  const logger = recorder()
  logEvents(events, logger, "info")
  events.emit("job.enqueued", { jobId: "j1", kind: "mail.send", queue: "mail" })
  events.emit("queue.paused", { queue: "mail" })
  events.emit("job.failed", { ...attempt, error, failures: 2, retryInMs: 1_000 })
  expect(logger.lines.map(([level]) => level)).toEqual(["info", "warn"])
})

test("what identifies the job is bound to a child of a logger that has children", () => {
  const events = new Events()
  const children: unknown[] = []
  const parent = recorder()
  logEvents(events, {
    ...parent,
    child: (bindings) => {
      children.push(bindings)
      // Keeps only what a line brings itself.
      return recorder({}, parent.lines)
    },
  })
  events.emit("job.started", { ...attempt, worker: "w1" })
  events.emit("worker.stopped", { worker: "w1" })
  expect(children).toEqual([attempt])
  expect(parent.lines).toEqual([
    ["debug", { worker: "w1" }, "job.started"],
    ["info", { worker: "w1" }, "worker.stopped"],
  ])
})

test("lines below the logger's level are not even made", () => {
  const events = new Events()
  const parent = recorder()
  let children = 0
  logEvents(events, {
    ...parent,
    child: (bindings) => {
      children++
      return recorder(bindings, parent.lines)
    },
    isLevelEnabled: (level) => level !== "debug",
  })
  events.emit("job.started", { ...attempt, worker: "w1" })
  events.emit("job.cancelled", attempt)
  expect(children).toBe(1)
  expect(parent.lines.map(([, , message]) => message)).toEqual(["job.cancelled"])
})

test("nothing is logged, and nothing is wanted, without a logger", () => {
  const events = new Events()
  expect(Object.keys(eventLevels).some((name) => events.wanted(name as "job.started"))).toBe(false)
})

test("a child of a logger without children adds its fields, and a line's own win", () => {
  const logger = recorder()
  const child = childLogger(childLogger(logger, { jobId: "j1" }), { attempt: 1 })
  child.info({ attempt: 2, bytes: 3 }, "done")
  expect(logger.lines).toEqual([["info", { jobId: "j1", attempt: 2, bytes: 3 }, "done"]])
})
