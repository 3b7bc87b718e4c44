import type { RetryPolicy } from "../../retry/index.ts"

/** The retry policy of a job: its own, which is stored complete, or its kind's; also when its own cannot be read. */
export function policyOf(text: string | null, kind: RetryPolicy): RetryPolicy {
  if (text === null) return kind
  try {
    return JSON.parse(text) as RetryPolicy
  } catch {
    return kind
  }
}
