/**
 * Slots, public as `drover/slots` and useful alone: a pool in which slots are reserved before they are used.
 */
export type { Reservation } from "./reservation.ts"
export { SlotPool } from "./slotPool.ts"
export type { AcquireOptions, SlotPoolOptions, SlotStats } from "./slotPool.ts"
