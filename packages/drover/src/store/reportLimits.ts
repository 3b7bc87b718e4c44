/*
 * How much a handler may leave in a store while it runs. The contract of every store; who sends more than a store
 * takes would send it in vain.
 */

/** The largest progress, in bytes of JSON. */
export const maxProgressBytes = 16_384

/** The most lines that a job's log keeps. */
export const maxLogLines = 1_000

/** The most bytes of messages and fields that a job's log keeps. */
export const maxLogBytes = 262_144
