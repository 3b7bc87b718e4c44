import type { ClaimedJob } from "../store/index.ts"

/**
 * What one step of priority weighs in strict order. With 1000 as the largest priority and times below the
 * year 2248, the sum stays a safe integer. The SQL of this room has it as 8796093022208.
 */
export const PRIORITY_STEP: number = 2 ** 43

/** The place of a job in its lane; see `sqlite/queues.ts` and docs/decisions/0006-lanes-and-rank.md. */
export function rankOf(priority: number, dueAt: number, agingMs: number | null): number {
  return priority * (agingMs ?? PRIORITY_STEP) + dueAt
}

/** Compares jobs by the order in which claims take them. */
export function byRank(agingMs: number | null): (a: ClaimedJob, b: ClaimedJob) => number {
  const rank = ({ priority, runAt, enqueuedAt }: ClaimedJob): number =>
    rankOf(priority, Math.max(runAt, enqueuedAt), agingMs)
  return (a, b) => rank(a) - rank(b) || (a.jobId < b.jobId ? -1 : 1)
}
