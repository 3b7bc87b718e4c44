/** Interruptions of Java that are caught, logged and forgotten. */
import type { Catch, Try } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { Caught } from "./cancellations.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import { callsIn } from "../waits/refusals.ts"

/**
 * Whether a clause takes an InterruptedException of waiting for a thread to end, and lets the method go on: the thread's flag is cleared, and nobody
 * further out learns of it. A thread's own `run` has nobody further out.
 */
export function losesInterrupt(file: File, { clause, fn, around }: Caught): boolean {
  if (file.language !== "java" || fn.isLambda || /^(?:run|main|call)$/.test(fn.name)) return false
  if (!clause.types.some((type) => /(?:^|\.)InterruptedException$/.test(type))) return false
  if (!waitsForEnd(around) || isMeant(file, clause) || isHandedOn(clause)) return false
  const last = clause.body.body.at(-1)
  if (last && /^(?:return|throw|break|continue)$/.test(last.kind)) return false
  for (const outer of file.ancestorsOf(around)) {
    // Within a round of a loop it is the loop that matters.
    if (outer.kind === "loop") return false
    if (outer === fn) break
  }
  return true
}

/** Who waits for a thread to end holds up its own. */
function waitsForEnd({ body }: Try): boolean {
  return callsIn(body).some(({ name }) => /^(?:join|awaitTermination)$/.test(name))
}

/** The name or a comment says that nothing is to be done. */
function isMeant(file: File, { binding, body }: Catch): boolean {
  if (/^(?:ignore|expected|unused|swallow|_)/i.test(binding ?? "")) return true
  return /(?:\/\/|\/\*)[^\n]*(?:ignor|expected|nothing|no-?op|fine|safe|allow|swallow)/i.test(
    file.textOf(body),
  )
}

/** The exception goes somewhere else than into a log. */
function isHandedOn({ binding, body }: Catch): boolean {
  let found = false
  walk(body, (node) => {
    if (node.kind !== "call" || /log|print|warn|error|debug|info|trace/i.test(dotted(node.callee)))
      return !found
    found ||= node.args.some((arg) => arg.kind === "name" && arg.name === binding)
    return !found
  })
  return found
}
