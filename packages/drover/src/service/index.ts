/**
 * Services: the one start and stop contract, groups of services, and the loop of periodic work.
 */
export { serviceGroup } from "./group.ts"
export { RunLoop } from "./runLoop.ts"
export type { RunLoopOptions } from "./runLoop.ts"
export { Service } from "./service.ts"
export type { ServiceScope, ServiceState, Startable } from "./service.ts"
