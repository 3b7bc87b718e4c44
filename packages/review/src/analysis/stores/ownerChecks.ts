/** Whether a lock's value is compared before its key is deleted. */
import type { Call, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import type { File } from "../program/file.ts"
import { isSameKey } from "../program/keys.ts"
import { methodOf, stepsOf, type Step } from "./locks.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { storeCallsOf } from "./storeCalls.ts"

export interface OwnerCheck {
  /** The comparison. */
  readonly at: Node
  /** The read whose result is compared. */
  readonly read: Node
  /** Whether a watched transaction makes both one step. */
  readonly isAtomic: boolean
}

const COMPARES =
  /^(?:equals|equal|Equal|compareTo|compare_digest|timingSafeEqual|isEqual|contentEquals|is)$/

/** The comparison in the function of a delete that looks at what the key holds; null when there is none. */
export function ownerCheckOf(program: Program, release: Step): OwnerCheck | null {
  const { file, store } = release
  const fn = file.methodOf(store.call)
  if (!fn?.body) return null
  const reads = stepsOf(program, file)
    .filter(
      (one) =>
        one.store.kind === "read" && /^(?:get|do|exec|send|call|Key)/i.test(one.store.call.name),
    )
    .filter((one) => isSameKey(one.family, release.family))
    .map((one) => one.store.call)
    .filter((call) => call.start >= fn.start && call.start < store.call.start)
  const asked = [...reads, ...helpersAsked(program, file, fn.body, store.call)]
  const isAtomic = file.calls.some(
    (call) =>
      call.start >= fn.start &&
      call.end <= fn.end &&
      /^(?:watch|WATCH|Watch|TxPipelined)$/.test(call.name),
  )
  for (const read of asked) {
    const at = comparisonOf(file, fn.body, read, store.call)
    if (at) return { at, read, isAtomic }
  }
  return null
}

/** Calls of this repository's own functions that read the store: `this.ownerOf(key)`. */
function helpersAsked(program: Program, file: File, body: Node, until: Node): Call[] {
  return file.calls.filter(
    (call) =>
      call.start >= body.start &&
      call.end < until.start &&
      /get|own|value|holder|token|fetch|read|is|check|has/i.test(call.name) &&
      resolveCall(program, file, call).some(({ file: from, fn }) =>
        storeCallsOf(program, from).some(
          (one) => one.kind === "read" && one.call.start >= fn.start && one.call.end <= fn.end,
        ),
      ),
  )
}

function comparisonOf(file: File, body: Node, read: Call, before: Node): Node | null {
  const names = namesBoundTo(file, read)
  let found: Node | null = null
  walk(body, (node) => {
    if (found || node.start > before.start) return false
    if (isComparison(node) && speaksOf(node, read, names)) found = node
    return undefined
  })
  return found ?? (isTested(file, read) ? read : null)
}

function isComparison(node: Node): boolean {
  if (node.kind === "binary") {
    return (
      /^(?:==|===|!=|!==|is|is not)$/.test(node.op) && ![node.left, node.right].some(saysNothing)
    )
  }
  return node.kind === "call" && COMPARES.test(node.name)
}

/** Comparing with nothing asks whether there is a lock, not whose it is. */
function saysNothing(node: Node): boolean {
  return (
    node.kind === "null" || node.kind === "bool" || (node.kind === "string" && node.value === "")
  )
}

/** Whether a helper's answer is itself what is tested: `if (await this.isOwner(key, token))`. */
function isTested(file: File, read: Call): boolean {
  if (!/owner|holder|own|mine|holds|match|^is|^check/i.test(read.name)) return false
  let inner: Node = read
  for (const outer of file.ancestorsOf(read)) {
    if (outer.kind === "if") return outer.test === inner
    if (!/^(?:await|unary|binary)$/.test(outer.kind)) return false
    inner = outer
  }
  return false
}

function namesBoundTo(file: File, read: Call): readonly string[] {
  for (const outer of file.ancestorsOf(read)) {
    if (outer.kind === "assign")
      return outer.targets.map(dotted).filter((name) => !/^err$/.test(name))
    if (outer.kind === "block") return []
  }
  return []
}

function speaksOf(node: Node, read: Call, names: readonly string[]): boolean {
  let found = false
  walk(node, (one) => {
    if (one === read || (one.kind === "name" && names.includes(one.name))) found = true
    return !found
  })
  return found
}

/** The same function can also compare and delete in one step: somebody chose. */
export function hasScript(release: Step): boolean {
  const fn = methodOf(release)
  return release.file.calls.some(
    (call) =>
      fn !== null &&
      call.start >= fn.start &&
      call.end <= fn.end &&
      (/^eval/i.test(call.name) || call.args.some((arg) => /script|lua/i.test(dotted(arg)))),
  )
}
