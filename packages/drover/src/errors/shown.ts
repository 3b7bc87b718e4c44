/** A value as it can stand in a message, whatever it is: short, and without calling any of its code. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 120).toWellFormed())
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? "a list" : "an object"
  return typeof value === "function" || typeof value === "symbol"
    ? `a ${typeof value}`
    : String(value)
}
