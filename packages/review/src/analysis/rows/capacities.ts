/** Room that is computed from the rows that are there, before a row is added: seats that are summed up, places that are left. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import type { RowCall } from "./rowCall.ts"
import { rowCallsOf } from "./rowCalls.ts"
import { someNode } from "./rows.ts"
import { addsTo, waitsBetween } from "./tableCounts.ts"

export interface Capacity {
  readonly name: string
  readonly read: Call
  readonly check: Node
  readonly act: Call
}

const SUMS = /^(?:reduce|sum|sumOf|sumBy|fold|mapToInt|mapToLong|aggregate|Sum|COALESCE)$/

/** The rows of a table are summed up, compared, and one is added to it afterwards. */
export function capacityAt(
  program: Program,
  file: File,
  fn: Func,
  branch: Node,
  test: Node & { kind: "binary" },
): Capacity | null {
  for (const side of [test.left, test.right]) {
    if (side.kind !== "name") continue
    const read = summedFrom(program, file, fn, side)
    if (!read?.table || read.locks) continue
    const act = addsTo(program, file, fn, branch.end, read.table)
    const isScript = file.language === "javascript" || file.language === "typescript"
    if (!act || (isScript && !waitsBetween(fn, read.call.end, act.start))) continue
    return { name: side.name, read: read.call, check: test, act }
  }
  return null
}

/** The read whose rows a local sums up, at most four steps back. */
function summedFrom(
  program: Program,
  file: File,
  fn: Func,
  name: Node & { kind: "name" },
): RowCall | null {
  const reads = rowCallsOf(program, file).filter(
    (row) =>
      row.kind === "read" &&
      !row.isLimited &&
      row.call.start >= fn.start &&
      row.call.end <= name.start,
  )
  if (reads.length === 0) return null
  let wanted = new Set([name.name])
  let isSummed = false
  let before = name.start
  for (let step = 0; step < 4; step++) {
    const made = file.assignments.filter(
      (one) =>
        one.start >= fn.start &&
        one.end <= before &&
        one.value !== null &&
        one.targets.some((target) => target.kind === "name" && wanted.has(target.name)),
    )
    if (made.length === 0) return null
    for (const one of made) {
      isSummed ||= one.op === "+=" || someNode(one.value!, isSum)
      const read = reads.findLast((row) =>
        someNode(
          one.value!,
          (node) => node === row.call || (node.kind === "name" && row.results.includes(node.name)),
        ),
      )
      if (read && isSummed) return read
    }
    wanted = new Set(made.flatMap((one) => namesIn(one.value!)))
    before = Math.max(...made.map((one) => one.start))
  }
  return null
}

function isSum(node: Node): boolean {
  return node.kind === "call" && SUMS.test(node.name)
}

function namesIn(root: Node): string[] {
  const names: string[] = []
  walk(root, (node) => {
    if (node.kind === "function") return false
    if (node.kind === "name" || node.kind === "member") names.push(rootOf(node) ?? "")
    return undefined
  })
  return names
}
