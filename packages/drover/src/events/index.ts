/**
 * Events: the catalogue of everything that happens, the emitter, and the subscriber that writes a log.
 */
export type { AttemptEvent, DroverEvents, EventName, EventReason, JobEvent } from "./catalogue.ts"
export { Events } from "./events.ts"
export type { AnyEventListener, EventListener, NextEventOptions, Unsubscribe } from "./events.ts"
export { childLogger, eventLevels, logEvents, logLevels } from "./logEvents.ts"
export type { Logger, LogLevel } from "./logEvents.ts"
