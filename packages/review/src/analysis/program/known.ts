/**
 * Functions that a repository names in its configuration, because nothing in their code tells what they do: they come
 * from a library that is not read, or their names say something else.
 */
import type { Node } from "../../ir/nodes.ts"
import { dotted } from "./names.ts"

/** By what they do; each as code calls it, `next`, `backoff.next`. */
export interface KnownNames {
  readonly jitterHelpers: readonly string[]
  readonly locks: readonly string[]
  readonly retries: readonly string[]
  readonly handlers: readonly string[]
}

export const NOTHING_KNOWN: KnownNames = { jitterHelpers: [], locks: [], retries: [], handlers: [] }

/** Whether a callee, or a function's own name, is one of these: `b.next` of `next`, `this.b.next` of `b.next`. */
export function isKnown(names: readonly string[], callee: Node | string): boolean {
  if (names.length === 0) return false
  const written = typeof callee === "string" ? callee : dotted(callee)
  return names.some((name) => written === name || written.endsWith(`.${name}`))
}
