import type { Clock } from "../time/index.ts"

/**
 * Reads an HTTP `Retry-After` header: a number of seconds or a date.
 * @param clock tells how far away the date is.
 * @returns milliseconds from now, 0 for a date in the past; `undefined` when there is no header or it cannot be read.
 * Source: RFC 9110 §10.2.3.
 */
export function retryAfterHeaderMs(
  value: string | null | undefined,
  clock: Pick<Clock, "now">,
): number | undefined {
  const text = value?.trim()
  if (text === undefined || text === "") return undefined
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1_000
  // Only the forms that HTTP knows, which all begin with the day's name: Date.parse alone would read "-1".
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.now())
}
