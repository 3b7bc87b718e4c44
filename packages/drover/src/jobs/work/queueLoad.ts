import type { WorkerQueue } from "./workerQueue.ts"

// So few running jobs are slow ones, or their slots are precious: each is worth a sync of its own.
const FEW_RUNNING = 8

/** All slots of all queues. */
export function slotsOf(queues: readonly WorkerQueue[]): number {
  let slots = 0
  for (const { pool } of queues) slots += pool.limit
  return slots
}

/** Whether so few slots are in use that an outcome need not wait for others to go with. */
export function isMostlyFree(queues: readonly WorkerQueue[]): boolean {
  let reserved = 0
  for (const { pool } of queues) reserved += pool.reserved
  return reserved < FEW_RUNNING || reserved * 2 <= slotsOf(queues)
}
