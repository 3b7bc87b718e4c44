/**
 * What a claimed job carries for its settle, packed into one number: the number of its newest trail entry, to
 * which the next one is linked, and whether it has a unique key. Nothing moves a running job but its settle
 * or a rescue, so it stays true for as long as the fence does.
 */
export function markOf(trail: number, hasKey: boolean): number {
  return trail * 2 + (hasKey ? 1 : 0)
}

/** The trail entry of a mark. */
export function trailOf(mark: number): number {
  return Math.floor(mark / 2)
}

/** Whether the job of a mark has a unique key. */
export function hasKey(mark: number): boolean {
  return mark % 2 === 1
}
