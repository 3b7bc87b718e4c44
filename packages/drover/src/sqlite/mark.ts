/**
 * What a claimed job carries for its settle, packed into one number: the number of its newest trail entry, to
 * which the next one is linked, whether it has a unique key, and whether it has keys under limits. Nothing moves a
 * running job but its settle or a rescue, so it stays true for as long as the fence does.
 */
export function markOf(trail: number, hasKey: boolean, hasLimitKeys: boolean): number {
  return trail * 4 + (hasLimitKeys ? 2 : 0) + (hasKey ? 1 : 0)
}

/** The trail entry of a mark. */
export function trailOf(mark: number): number {
  return Math.floor(mark / 4)
}

/** Whether the job of a mark has a unique key. */
export function hasKey(mark: number): boolean {
  return mark % 2 === 1
}

/** Whether the job of a mark has keys under limits. */
export function hasLimitKeys(mark: number): boolean {
  return mark % 4 >= 2
}
