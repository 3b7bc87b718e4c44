import type { NewJob } from "../store/index.ts"
import type { ScheduleSettings } from "./scheduleSettings.ts"

/** The job of one tick: the schedule's template, with the instant for which it was planned in its metadata. */
export function jobOfTick(
  name: string,
  settings: ScheduleSettings,
  tick: { readonly id: string; readonly at: number | null; readonly actor?: string },
): NewJob {
  const { kind, queue, priority, input, expireMs, maxAttempts, maxCrashes } = settings
  const { timeoutMs, retry, tags, metadata, keys, unique } = settings
  const own = metadata === null ? {} : (JSON.parse(metadata) as Record<string, unknown>)
  const { id, at, actor } = tick
  const schedule = {
    name,
    ...(at !== null && { tickAt: new Date(at).toISOString() }),
    ...(actor !== undefined && { triggeredBy: actor }),
  }
  return {
    ...{ id, kind, queue, priority, input, delayMs: 0, runAt: null },
    ...{ expireMs, maxAttempts, maxCrashes, timeoutMs, retry, tags },
    unique: unique ? { ...unique, hash: Buffer.from(unique.hash, "hex") } : null,
    metadata: JSON.stringify({ ...own, schedule }),
    ...(keys !== undefined && { keys }),
  }
}
