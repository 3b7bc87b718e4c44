/**
 * Finds a small part of a list that still fails: removes ever smaller pieces while the rest goes on failing.
 * What is left fails, and (unless the budget ended first) no single entry can be taken away.
 * @param fails whether a part of the list still fails; it is never asked about the whole list.
 * @param budget how often it may be asked.
 * Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
 */
export async function ddmin<T>(
  list: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  budget: number,
): Promise<readonly T[]> {
  let left = budget
  const ask = async (part: readonly T[]): Promise<boolean> => {
    if (left <= 0) return false
    left--
    return fails(part)
  }
  if (list.length > 0 && (await ask([]))) return []
  let kept = list
  let pieces = 2
  while (kept.length >= 2 && left > 0) {
    const size = Math.ceil(kept.length / pieces)
    let isSmaller = false
    for (let from = 0; from < kept.length; from += size) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)]
      if (without.length > 0 && (await ask(without))) {
        kept = without
        pieces = Math.max(2, pieces - 1)
        isSmaller = true
        break
      }
    }
    if (isSmaller) continue
    if (size === 1) break
    pieces = Math.min(kept.length, 2 * pieces)
  }
  return kept
}
