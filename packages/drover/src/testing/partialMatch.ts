/**
 * Lists where a value differs from a pattern: objects may have more keys than the pattern, lists must match
 * entry by entry, everything else must be the same value.
 * @returns one line for each difference, at most ten; none for a match.
 */
export function differences(pattern: unknown, value: unknown, path = ""): readonly string[] {
  const found: string[] = []
  compare(pattern, value, path, found)
  return found.slice(0, 10)
}

function compare(pattern: unknown, value: unknown, path: string, found: string[]): void {
  if (Object.is(pattern, value)) return
  if (pattern instanceof Date && value instanceof Date && pattern.getTime() === value.getTime())
    return
  if (
    !isContainer(pattern) ||
    !isContainer(value) ||
    Array.isArray(pattern) !== Array.isArray(value)
  ) {
    found.push(`${path === "" ? "value" : path}: expected ${show(pattern)}, got ${show(value)}`)
    return
  }
  if (Array.isArray(pattern) && Array.isArray(value) && pattern.length !== value.length) {
    found.push(`${path}: expected ${pattern.length} entries, got ${value.length}`)
    return
  }
  for (const [key, expected] of Object.entries(pattern)) {
    const at = path === "" ? key : `${path}.${key}`
    compare(expected, (value as Record<string, unknown>)[key], at, found)
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof Date)
}

function show(value: unknown): string {
  if (value instanceof Date) return value.toISOString()
  return JSON.stringify(value)?.slice(0, 200) ?? String(value)
}
