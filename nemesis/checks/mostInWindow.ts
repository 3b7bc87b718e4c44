/** The most of these instants that lie in any window of this length, its end not included. */
export function mostInWindow(instants: readonly number[], lengthMs: number): number {
  const ordered = instants.toSorted((a, b) => a - b)
  let most = 0
  let first = 0
  for (const [index, at] of ordered.entries()) {
    while (at - (ordered[first] ?? at) >= lengthMs) first++
    most = Math.max(most, index - first + 1)
  }
  return most
}
