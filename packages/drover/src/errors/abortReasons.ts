import { DroverError } from "./droverError.ts"
import type { DroverErrorOptions } from "./droverError.ts"

/**
 * Why an attempt was aborted. `signal.reason` of a handler is always one of these four, so code can
 * tell "stop, and you will run again" (`Shutdown`, `LeaseLost`) from "stop for good" (`Cancelled`) and
 * from "too slow" (`Timeout`).
 */
export type AbortReason = Timeout | Cancelled | Shutdown | LeaseLost

/** The attempt ran longer than its timeout. Counts as a failure. */
export class Timeout extends DroverError {
  override readonly name = "Timeout"
  constructor(message: string, options?: DroverErrorOptions) {
    super("DROVER_TIMEOUT", message, options)
  }
}

/** Somebody cancelled the job. It will not run again. */
export class Cancelled extends DroverError {
  override readonly name = "Cancelled"
  constructor(message: string, options?: DroverErrorOptions) {
    super("DROVER_CANCELLED", message, options)
  }
}

/** The worker is stopping. The job is handed back and costs no attempt. */
export class Shutdown extends DroverError {
  override readonly name = "Shutdown"
  constructor(message: string, options?: DroverErrorOptions) {
    super("DROVER_SHUTDOWN", message, options)
  }
}

/** The worker can no longer prove that it holds the job. Whatever the handler does now is not recorded. */
export class LeaseLost extends DroverError {
  override readonly name = "LeaseLost"
  constructor(message: string, options?: DroverErrorOptions) {
    super("DROVER_LEASE_LOST", message, options)
  }
}

/** The term of leadership ended: it was resigned, taken over, or could not be renewed. Whatever its services write now is rejected. */
export class TermEnded extends DroverError {
  override readonly name = "TermEnded"
  constructor(message: string, options?: DroverErrorOptions) {
    super("DROVER_TERM_ENDED", message, options)
  }
}
