/**
 * The states of a job, in the order of their codes in the stores. Codes are stored: append, never reorder.
 */
export const jobStates = [
  "scheduled",
  "available",
  "running",
  "retryable",
  "completed",
  "discarded",
  "cancelled",
] as const

/** Where a job is in its life; see docs/states.md. */
export type JobState = (typeof jobStates)[number]

/** The states in which a job waits to run: it can be edited, rescheduled, replaced and deleted. */
export const waitingStates: readonly JobState[] = ["scheduled", "available", "retryable"]

/** The states that end a job. */
export const finalStates: readonly JobState[] = ["completed", "discarded", "cancelled"]

// Each arrow of docs/states.md. What is not here is a bug, and the simulator checks every transition against it.
const legal: Readonly<Record<JobState, readonly JobState[]>> = {
  scheduled: ["available", "scheduled", "cancelled", "discarded"],
  available: ["running", "scheduled", "available", "cancelled", "discarded"],
  running: ["completed", "retryable", "scheduled", "available", "cancelled", "discarded"],
  retryable: ["available", "retryable", "cancelled", "discarded"],
  // Only a person brings a finished job back.
  completed: ["available"],
  discarded: ["available"],
  cancelled: ["available"],
}

/** Tells whether a job in this state is finished. */
export function isFinal(state: JobState): boolean {
  return finalStates.includes(state)
}

/** Tells whether a job in this state waits to run. */
export function isWaiting(state: JobState): boolean {
  return waitingStates.includes(state)
}

/** Tells whether a job may go from one state to another. `null` is the state before the enqueue. */
export function mayMove(from: JobState | null, to: JobState): boolean {
  return from === null ? to === "available" || to === "scheduled" : legal[from].includes(to)
}

/** The number that the stores keep for a state. */
export function stateCode(state: JobState): number {
  return jobStates.indexOf(state)
}
