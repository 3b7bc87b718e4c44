/**
 * Errors: the one class of operating faults, the reasons an attempt can be aborted with, and `assert`
 * for invariants.
 */
export { Cancelled, LeaseLost, Shutdown, TermEnded, Timeout } from "./abortReasons.ts"
export type { AbortReason } from "./abortReasons.ts"
export { assert, unreachable } from "./assert.ts"
export { errorCodes } from "./codes.ts"
export type { DroverErrorCode } from "./codes.ts"
export { DroverError, isDroverError } from "./droverError.ts"
export type { DroverErrorOptions } from "./droverError.ts"
export { checkOptions, nearest, orDefault } from "./options.ts"
export { answeredAtOnce, show } from "./shown.ts"
