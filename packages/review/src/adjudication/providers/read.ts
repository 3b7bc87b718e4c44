/** Reading a foreign JSON value, step by step, without trusting any of them. */

/** The value at a path of keys and positions, or undefined. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let here = value
  for (const step of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, step)) return undefined
    here = (here as Record<string | number, unknown>)[step]
  }
  return here
}

/** The texts of a list of parts, joined; null when there is none. */
export function joinTexts(
  parts: unknown,
  keep: (part: unknown) => boolean = () => true,
): string | null {
  if (!Array.isArray(parts)) return null
  const texts = parts.filter(keep).map((part) => at(part, "text"))
  const found = texts.filter((text) => typeof text === "string")
  return found.length === 0 ? null : found.join("")
}
