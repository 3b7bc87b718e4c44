/**
 * Leases: who may act until when, as arithmetic on readings that are handed in. No clock and no I/O.
 */
export { checkLease, leaseDefaults, trustedUntilMono } from "./lease.ts"
export type { Lease } from "./lease.ts"
export { Reachability } from "./reachability.ts"
export { jumpThresholdMs, StoreClock } from "./storeClock.ts"
export type { ClockReadings } from "./storeClock.ts"
export { StoreTimeline } from "./storeTimeline.ts"
export { TrustWindow } from "./trustWindow.ts"
