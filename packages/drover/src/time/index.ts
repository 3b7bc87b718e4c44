/**
 * Time and chance: the only room that reads a clock, arms a timer or draws a random number. Everybody
 * else is handed a `Clock` and an `Rng`, which is what lets a test move time by hand and the simulator
 * replay a whole fleet from one seed.
 */
export type { Clock, Timer } from "./clock.ts"
export { formatDuration, parseDuration, parseLimit } from "./duration.ts"
export type { Duration } from "./duration.ts"
export { ManualClock } from "./manualClock.ts"
export { randomBelow, randomToken } from "./rng.ts"
export type { Rng } from "./rng.ts"
export { SeededRng } from "./seededRng.ts"
export { systemClock } from "./systemClock.ts"
export { systemRng } from "./systemRng.ts"
export { TokenBucket } from "./tokenBucket.ts"
export { isUuidV7, UuidMaker } from "./uuid.ts"
