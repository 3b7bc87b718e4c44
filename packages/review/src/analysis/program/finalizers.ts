/** `finally` blocks with what they clean up after, and whether they run within a coroutine. */
import type { Block, Func, Node, Try } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "./file.ts"
import { courseOf } from "./yields.ts"

/** Whether a place runs in a coroutine that a builder begins. */
export function isInCoroutine(file: File, node: Node): boolean {
  for (const outer of file.ancestorsOf(node)) {
    if (
      outer.kind === "call" &&
      /^(?:launch|async|coroutineScope|supervisorScope|runBlocking|flow|channelFlow|produce|actor)$/.test(
        outer.name,
      )
    )
      return true
    if (outer.kind === "function" && !outer.isLambda) return false
  }
  return false
}

/** A `finally` and the `try` that it belongs to. */
export interface Finalizer {
  readonly around: Try
  readonly body: Block
  readonly fn: Func
}

/** Every `finally` of a file with what it cleans up after. */
export function finalizers(file: File): Finalizer[] {
  const found: Finalizer[] = []
  for (const root of file.unit.body) {
    walk(root, (node) => {
      if (node.kind !== "try" || !node.finalizer) return
      const fn = courseOf(file, node)
      if (fn) found.push({ around: node, body: node.finalizer, fn })
    })
  }
  return found
}
