import type { DroverEvents, EventName } from "./catalogue.ts"
import type { Events, Unsubscribe } from "./events.ts"

/** The levels Drover logs at. */
export type LogLevel = "debug" | "info" | "warn" | "error"

/** All levels, the least grave first. */
export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"]

/** The shape of a pino logger (and of many others): an object first, then a message. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void
  info(fields: Readonly<Record<string, unknown>>, message: string): void
  warn(fields: Readonly<Record<string, unknown>>, message: string): void
  error(fields: Readonly<Record<string, unknown>>, message: string): void
  /** A logger that adds these fields to every line. Without it, Drover adds them itself. */
  child?(bindings: Readonly<Record<string, unknown>>): Logger
  /** Lets Drover skip lines that would be dropped. Without it, every line is handed over. */
  isLevelEnabled?(level: string): boolean
}

/** The level of each event's line. The only place where levels are chosen. */
export const eventLevels: Readonly<Record<EventName, LogLevel>> = {
  "job.enqueued": "debug",
  "job.deduplicated": "debug",
  "job.started": "debug",
  "job.completed": "debug",
  "job.failed": "warn",
  "job.discarded": "error",
  "job.cancelled": "info",
  "job.snoozed": "debug",
  "job.interrupted": "info",
  "job.crashed": "error",
  "job.expired": "warn",
  "job.rescued": "warn",
  "job.fenced": "warn",
  "job.stuck": "error",
  "job.strayed": "error",
  "job.progress": "debug",
  "queue.paused": "info",
  "queue.resumed": "info",
  "queue.resized": "info",
  "limit.changed": "info",
  "worker.started": "info",
  "worker.stopping": "info",
  "worker.stopped": "info",
  "worker.lease_lost": "error",
  "worker.lease_regained": "warn",
  "worker.stalled": "warn",
  "store.busy": "debug",
  "store.failed": "error",
  "store.recovered": "info",
  "store.pooler_found": "warn",
  "store.deaf": "warn",
  "store.listening": "info",
  "clock.jumped": "warn",
  "leader.elected": "info",
  "leader.resigned": "info",
  "leader.lost": "warn",
  "leader.stood_back": "error",
  "maintenance.started": "info",
  "maintenance.start_failed": "error",
  "maintenance.stopped": "info",
  "maintenance.swept": "debug",
  "singleton.started": "info",
  "singleton.start_failed": "error",
  "singleton.stopped": "info",
  "schedule.ticked": "debug",
  "schedule.skipped": "info",
  "schedule.held": "info",
  "schedule.changed": "info",
  "schedule.failed": "error",
  "schedule.superseded": "warn",
  "service.started": "debug",
  "service.stopped": "debug",
  "service.failed": "error",
  "service.round_failed": "warn",
  "drover.listener_failed": "error",
}

// What identifies a job in a line: bound to the line's logger, so that a logger's own child hooks see it.
const BINDINGS = ["jobId", "kind", "queue", "attempt"] as const

/**
 * Writes every event to a logger: the one log subscriber. Drover logs nothing without it. The message is
 * the event's name, the fields are its data; an `error` is passed as `err`, which is what pino serialises.
 * @param least the least grave level that is handed over; what the logger itself drops is not told to it either.
 * @returns the function that ends it.
 */
export function logEvents(events: Events, logger: Logger, least: LogLevel = "debug"): Unsubscribe {
  const from = logLevels.indexOf(least)
  return events.onAny((name, data) => {
    const level = eventLevels[name] ?? "info"
    if (logLevels.indexOf(level) < from) return
    if (logger.isLevelEnabled !== undefined && !logger.isLevelEnabled(level)) return
    const { bindings, fields } = splitFields(data)
    const own = Object.keys(bindings).length === 0 ? logger : childLogger(logger, bindings)
    own[level](fields, name)
  })
}

/**
 * A logger that adds `bindings` to every line: the logger's own child if it can make one, else a wrapper.
 */
export function childLogger(logger: Logger, bindings: Readonly<Record<string, unknown>>): Logger {
  if (logger.child !== undefined) return logger.child(bindings)
  const at =
    (level: LogLevel) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void =>
      logger[level]({ ...bindings, ...fields }, message)
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }
}

function splitFields(data: DroverEvents[EventName]): {
  bindings: Record<string, unknown>
  fields: Record<string, unknown>
} {
  const { error, ...fields }: Record<string, unknown> = { ...data }
  // Why something stopped is told by its name and message: a stack is noise, and JSON of an error has no message.
  if (fields["reason"] instanceof Error) fields["reason"] = String(fields["reason"])
  const bindings: Record<string, unknown> = {}
  for (const name of BINDINGS) {
    if (fields[name] === undefined) continue
    bindings[name] = fields[name]
    delete fields[name]
  }
  return { bindings, fields: error === undefined ? fields : { ...fields, err: error } }
}
