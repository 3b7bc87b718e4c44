import { assert } from "../errors/index.ts"
import { jobStates } from "../store/index.ts"
import type { EndedJob } from "../store/index.ts"
import type { StoreContext } from "./context.ts"

/** Adds a job that was ended instead of being claimed, with its lane and the code of its state. */
export function tell(
  { ended }: { readonly ended: EndedJob[] },
  lane: { readonly kind: string; readonly queue: string } | undefined,
  jobId: string,
  state: number,
): void {
  assert(lane !== undefined, "the lane of a job is there")
  const { kind, queue } = lane
  const reason = state === 5 ? "expired" : "unique key is held by another job"
  ended.push({ jobId, kind, queue, state: jobStates[state] as EndedJob["state"], reason })
}

/** Like `tell`, for jobs of which only their ids and states are known. */
export async function tellEnded(
  { database, lanes }: StoreContext,
  progress: { readonly ended: EndedJob[] },
  gone: readonly (readonly unknown[])[],
): Promise<void> {
  const values = [gone.map(([id]) => id as string)]
  const rows = await database.statement("exchange", "lanes_of_jobs", values, { reads: true })
  const laneById = new Map(rows.map(([id, lane]) => [id as string, lane as number]))
  const known = await lanes.byId(laneById.values())
  for (const [id, state] of gone) {
    const lane = laneById.get(id as string)
    // Deleted by now: then nobody asks any more.
    if (lane !== undefined) tell(progress, known.get(lane), id as string, state as number)
  }
}
