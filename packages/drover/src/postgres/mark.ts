/** How many transitions a row of the trail holds at most: its number times this, plus an index, names one of them. */
export const TRAIL_ROW = 1_024

const COMPLETED_BIT = 1 << 4

/**
 * What a claimed job carries for its settle, packed into one number: the number of its newest transition, to which the
 * next one is linked, whether its unique key must be seen to when it completes, and whether it has keys under limits,
 * which others may wait for. Nothing moves a running job but its
 * settle or a rescue, so it stays true for as long as the fence does.
 */
export function markOf(trail: number, uniqueStates: number | null, hasLimitKeys: boolean): number {
  const keeps = uniqueStates !== null && (uniqueStates & COMPLETED_BIT) !== 0
  return trail * 4 + (hasLimitKeys ? 2 : 0) + (keeps ? 1 : 0)
}

/** The transition of a mark: the claim. */
export function trailOf(mark: number): number {
  return Math.floor(mark / 4)
}

/** The row of the trail, and of `claim`, in which the job of a mark was claimed. */
export function claimOf(mark: number): number {
  return Math.floor(mark / (4 * TRAIL_ROW))
}

/** Whether the job of a mark holds its key when it is completed. */
export function keepsKey(mark: number): boolean {
  return mark % 2 === 1
}

/** Whether the job of a mark has keys under limits. */
export function hasLimitKeys(mark: number): boolean {
  return mark % 4 >= 2
}
