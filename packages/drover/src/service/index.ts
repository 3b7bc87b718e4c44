/**
 * Services: the one start and stop contract, groups of services, and the loop of periodic work.
 */
export { serviceGroup, startMember } from "./group.ts"
export type { ServiceGroupOptions } from "./group.ts"
export { RunLoop } from "./runLoop.ts"
export type { RunLoopOptions } from "./runLoop.ts"
export { Service } from "./service.ts"
export type { ServiceOptions, ServiceScope, ServiceState, Startable } from "./service.ts"
