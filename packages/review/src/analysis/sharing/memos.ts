/** Values that are kept in variables for a while: tested for their age, handed out, or loaded and kept anew. */
import type { Assign, If, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"

/** A value that is kept in a variable for a while: the test that hands it out, and where it is put again. */
export interface Memo {
  readonly test: If
  readonly put: Assign
  readonly name: string
}

const ENDS =
  /\bnow\b|\bnow\(|nanoTime|currentTimeMillis|monotonic|time\.time|time\.Since|expir|[tT][tT][lL]|\bage\b|[tT]imestamp|fresh|stale/

/** Every such value of a file, once for each place that puts it. */
export function memosOf(file: File): Memo[] {
  return file.assignments.flatMap((put) => {
    const [target] = put.targets
    const fn = put.targets.length === 1 && put.op === "=" ? file.methodOf(put) : null
    if (!target || !fn?.body || (target.kind === "index" && target.index.kind !== "string"))
      return []
    const name = dotted(target.kind === "index" ? target.object : target)
    if (!isMemoName(name)) return []
    let test: If | null = null
    walk(fn.body, (node) => {
      if (node.kind === "if" && node.end <= put.start && handsOut(file, node)) test ??= node
      return test === null && node.start < put.start
    })
    return test ? [{ test, put, name }] : []
  })
}

/** `if (cached && now - cachedAt < TTL) return cached` */
function handsOut(file: File, branch: If): boolean {
  const last = branch.then.body.at(-1)
  return (
    last?.kind === "return" &&
    last.value !== null &&
    ENDS.test(file.textOf(branch.test)) &&
    mentionsMemo(branch.test) &&
    mentionsMemo(branch.then)
  )
}

function mentionsMemo(node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if ((one.kind === "name" || one.kind === "member") && isMemoName(one.name)) found = true
    return !found
  })
  return found
}

function isMemoName(name: string): boolean {
  return wordsOf(name).some((word) => /^(?:caches?|cached|memo|memoized)$/.test(word))
}
