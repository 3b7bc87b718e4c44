import { isFinal, mayMove } from "../../src/store/index.ts"
import type { TrailEntry } from "../../src/store/index.ts"
import type { History } from "../history.ts"

/** The trail of each job is a legal walk with one end, and each attempt ends at most once. */
export function settleOnce({ rows, trails }: History): string[] {
  return [...rows.values()].flatMap(({ id, state }) => {
    const trail = trails.get(id) ?? []
    return [...walk(id, trail), ...ends(id, trail, state)]
  })
}

function walk(id: string, trail: readonly TrailEntry[]): string[] {
  const violations: string[] = []
  let state: TrailEntry["from"] = null
  let attempt = 0
  for (const { from, to, attempt: number } of trail) {
    if (from !== state) violations.push(`job ${id} moved from ${from}, but was ${state}`)
    if (!mayMove(from, to)) violations.push(`job ${id} moved from ${from} to ${to}`)
    if (to === "running" && number !== attempt + 1) {
      violations.push(`job ${id}: attempt ${number} followed attempt ${attempt}`)
    }
    if (to === "running") attempt = number
    state = to
  }
  return violations
}

function ends(id: string, trail: readonly TrailEntry[], state: string): string[] {
  const violations: string[] = []
  const finals = trail.filter(({ to }) => isFinal(to))
  if (finals.length > 1) violations.push(`job ${id} ended ${finals.length} times`)
  if (trail.at(-1)?.to !== state) violations.push(`job ${id} is ${state}, its trail says otherwise`)
  const settled = new Set<number>()
  for (const { from, attempt } of trail) {
    if (from !== "running") continue
    if (settled.has(attempt)) violations.push(`job ${id}: attempt ${attempt} was settled twice`)
    settled.add(attempt)
  }
  return violations
}
