/** What talking to a host needs of the platform. Tests hand in their own, so no test waits or leaves the machine. */
export interface Outside {
  readonly fetch: typeof globalThis.fetch
  /** Waits; no wait is longer than MAX_WAIT_MS. */
  readonly sleep: (ms: number) => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
  /** A signal that aborts after a while, for no request may hang, and how to call it off. */
  readonly deadline: (ms: number) => { readonly signal: AbortSignal; readonly clear: () => void }
}

export const REQUEST_TIMEOUT_MS = 30_000
/** The longest that a host may ask us to wait; a build must not stand still for an hour. */
export const MAX_WAIT_MS = 60_000
