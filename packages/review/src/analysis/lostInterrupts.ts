/** Interruptions of Java that are caught, logged and forgotten. */
import type { Caught } from "./cancellations.ts"
import type { File } from "./file.ts"

/**
 * Whether a clause takes an InterruptedException and lets the method go on: the thread's flag is cleared, and nobody
 * further out learns of it. A thread's own `run` has nobody further out.
 */
export function losesInterrupt(file: File, { clause, fn, around }: Caught): boolean {
  if (file.language !== "java" || fn.isLambda || /^(?:run|main|call)$/.test(fn.name)) return false
  if (!clause.types.some((type) => /(?:^|\.)InterruptedException$/.test(type))) return false
  const last = clause.body.body.at(-1)
  if (last && /^(?:return|throw|break|continue)$/.test(last.kind)) return false
  for (const outer of file.ancestorsOf(around)) {
    // Within a round of a loop it is the loop that matters.
    if (outer.kind === "loop") return false
    if (outer === fn) break
  }
  return true
}
