import { keysText, stateCode } from "../store/index.ts"
import type { NewJob, NewUnique } from "../store/index.ts"

/** Jobs as the functions `enqueue_1` to `enqueue_3` take them, which serves our connections, users' own and plain SQL alike. */
export function newJobsText(jobs: readonly NewJob[]): string {
  return JSON.stringify(
    jobs.map((job) => ({
      ...job,
      timeoutMs: storedTimeout(job.timeoutMs),
      tags: storedTags(job.tags),
      keys: keysText(job.keys),
      unique: job.unique === null ? null : storedUnique(job.unique),
    })),
  )
}

/** `false` (none) is stored as 0, `null` (the kind's) as null. */
export function storedTimeout(timeoutMs: number | false | null): number | null {
  return timeoutMs === false ? 0 : timeoutMs
}

/** Tags as the JSON text that is stored; `null` for none. */
export function storedTags(tags: readonly string[]): string | null {
  return tags.length === 0 ? null : JSON.stringify(tags)
}

function storedUnique(unique: NewUnique): Record<string, unknown> {
  return {
    hash: Buffer.from(unique.hash).toString("hex"),
    label: unique.label,
    mode: unique.mode,
    states: stateBits(unique),
    forMs: unique.forMs,
    maxWaitMs: unique.maxWaitMs,
  }
}

// Bit n stands for the state with code n. Throttled jobs hold nothing: their window does.
function stateBits(unique: NewUnique): number {
  if (unique.mode === "throttle") return 0
  return unique.states.reduce((bits, state) => bits | (1 << stateCode(state)), 0)
}
