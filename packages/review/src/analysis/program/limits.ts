/** Which expressions are limits: what a count is compared with. */

import type { Node } from "../../ir/nodes.ts"
import { numberOf } from "./constants.ts"
import type { File } from "./file.ts"
import { dotted, wordsOf } from "./names.ts"
import type { Program } from "./program.ts"

const LIMIT_WORDS = new Set(
  "max maximum limit limits cap capacity concurrency quota slots budget allowed ceiling parallelism parallel permits allowance".split(
    " ",
  ),
)
const POOL_WORDS =
  /^(?:worker|workers|thread|threads|conn|connections?|job|jobs|slot|pool|task|tasks)$/

/** Whether an expression is a limit: by its name, or a constant that is more than one. */
export function isLimit(program: Program, file: File, node: Node): boolean {
  const name = dotted(node).replace(/\(\)$/, "").split(".").at(-1)!
  const words = wordsOf(name)
  if (words.some((word) => LIMIT_WORDS.has(word))) return true
  // `limits.apiKeys`, `plan.quotas.seats`
  if (node.kind === "member" && /(?:^|\.)\w*(?:[lL]imits|[qQ]uotas)$/.test(dotted(node.object)))
    return true
  if (words.length > 1 && words.at(-1) === "count" && words.some((word) => POOL_WORDS.test(word)))
    return true
  if (words.length > 1 && words.at(-1) === "size" && words.some((word) => POOL_WORDS.test(word)))
    return true
  if (node.kind === "number") return node.value > 1
  if (node.kind !== "name" && node.kind !== "member") return false
  if (!/^[A-Z][A-Z0-9_]+$/.test(name)) return false
  const value = numberOf(program, file, node)
  return value !== null && value > 1
}
