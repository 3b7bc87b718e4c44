/** Writes places of a list as text: `"0-4,9"`; `"none"` for an empty list. */
export function formatPlaces(places: readonly number[]): string {
  if (places.length === 0) return "none"
  const parts: string[] = []
  let from = places[0]!
  let to = from
  const flush = (): void => void parts.push(from === to ? `${from}` : `${from}-${to}`)
  for (const place of places.slice(1)) {
    if (place === to + 1) to = place
    else {
      flush()
      from = place
      to = place
    }
  }
  flush()
  return parts.join(",")
}

/** Reads what `formatPlaces` wrote. @throws Error for anything else. */
export function parsePlaces(text: string): readonly number[] {
  if (text === "none") return []
  return text.split(",").flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (match === null) throw new Error(`"${part}" is not a place or a range such as 3-7`)
    const from = Number(match[1])
    const to = Number(match[2] ?? from)
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
  })
}
