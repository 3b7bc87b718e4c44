import type { Record } from "../../packages/drover/crash/witness.ts"

/**
 * The most handlers that ran at the same time, by what processes testified: a sweep line over starts and ends. A start
 * without an end lasts.
 */
export function mostAtOnce(records: readonly Record[]): number {
  const points = records.flatMap((record) => {
    if (record.event === "started") return [{ mono: record.mono, step: 1 }]
    if (record.event === "ended" || record.event === "aborted")
      return [{ mono: record.mono, step: -1 }]
    return []
  })
  // An end and a start at one instant are one after the other.
  points.sort((a, b) => a.mono - b.mono || a.step - b.step)
  let running = 0
  let most = 0
  for (const { step } of points) {
    running += step
    most = Math.max(most, running)
  }
  return most
}
