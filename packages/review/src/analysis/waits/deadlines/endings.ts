/** Loops that look endless and are left when they are through. */
import type { Loop } from "../../../ir/nodes.ts"
import { leaves } from "../../program/failures.ts"
import type { File } from "../../program/file.ts"

/** What says that all was seen, or that it went well. */
const FINISHED =
  /\blen\(|\.length\b|[tT]oken|[cC]ursor|[pP]age|[hH]asMore|[iI]sLast|\berr(?:or)?\s*={2,3}\s*(?:nil|null)|\bEOF\b/
const STOPPED = /ctx|[cC]ontext|[dD]one\b|[sS]top|[cC]los|[sS]ignal|[aA]bort|[cC]ancel/

/** A loop that a caller waits for: it goes through pages, or until it goes well, and then it is left. */
export function endsByItself(file: File, loop: Loop): boolean {
  const last = loop.body.body.at(-1)
  if (last?.kind === "return" || (last?.kind === "break" && last.label === null)) return true
  return loop.body.body.some(
    (one) =>
      one.kind === "if" &&
      FINISHED.test(file.textOf(one.test)) &&
      !STOPPED.test(file.textOf(one.test)) &&
      leaves(one.then.body),
  )
}
