/** Values of concurrent maps that are read, computed anew and put back: `counts.put(k, counts.get(k) + 1)`. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { arithmeticOn } from "../rows/arithmetic.ts"
import type { File } from "../program/file.ts"
import { isConcurrentMap } from "./lookups.ts"
import { receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { isCalledHeld, shareSection } from "./sections.ts"
import { stateOf, type State } from "./states.ts"
import { courseOf } from "../program/yields.ts"

export interface MapUpdate {
  readonly fn: Func
  readonly state: State
  readonly read: Node
  readonly put: Call
}

const READS = /^(?:get|getOrDefault|Load)$/
const PUTS = /^(?:put|set|replace|Store)$/

/** Only maps that are made for several threads: others have a lock, or one user. */
export function mapUpdates(program: Program, file: File): MapUpdate[] {
  if (!/^(?:java|kotlin|go)$/.test(file.language)) return []
  return file.calls.flatMap((put) => {
    const on = PUTS.test(put.name) ? receiverOf(put) : null
    const [key, value, ...more] = put.args
    const fn = on && file.methodOf(put)
    if (!on || !fn || !key || !value || more.length > 0) return []
    const state = stateOf(program, file, on)
    if (!state || !isConcurrentMap(program, file, on)) return []
    const shown = file.textOf(key)
    let read: Node | null = null
    const isIt = (node: Node): boolean => {
      const is = isReadOf(program, file, state, node, shown)
      if (is) read = node
      return is
    }
    if (!arithmeticOn(program, file, value, isIt) || !read) return []
    const course = courseOf(file, put) ?? fn
    const isHeld =
      shareSection(program, file, read, put) || isCalledHeld(program, { file, fn: course })
    return isHeld ? [] : [{ fn: course, state, read, put }]
  })
}

function isReadOf(program: Program, file: File, state: State, node: Node, key: string): boolean {
  if (node.kind !== "call" || !READS.test(node.name) || !node.args[0]) return false
  const on = receiverOf(node)
  return (
    on !== null &&
    file.textOf(node.args[0]) === key &&
    stateOf(program, file, on)?.key === state.key
  )
}
