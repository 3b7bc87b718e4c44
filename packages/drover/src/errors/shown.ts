import { types } from "node:util"

/** A value as it can stand in a message, whatever it is: short, and without calling any of its code. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 120).toWellFormed())
  if (typeof value === "bigint") return `${value}n`
  if (types.isPromise(value)) return "a promise"
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? "a list" : "an object"
  return typeof value === "function" || typeof value === "symbol"
    ? `a ${typeof value}`
    : String(value)
}

/**
 * What a function of a user answered that must answer at once. An `async` one answers with a promise for which nobody
 * waits: it is refused by whoever asked, and its failure must not end the process besides.
 */
export function answeredAtOnce<T>(answer: T): T {
  if (types.isPromise(answer)) answer.catch(() => {})
  return answer
}
