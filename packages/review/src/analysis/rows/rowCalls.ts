/**
 * Calls that read or write rows, as rules on races ask for them: those that do it themselves, and those of functions of
 * the program that do it for them, in whichever file.
 */
import type { Call } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { ownRowsOf } from "./ownRows.ts"
import { stepsOf } from "./rowSteps.ts"
import type { Program } from "../program/program.ts"
import type { RowCall } from "./rowCall.ts"
import { calledRows } from "./rowEffects.ts"
import { unitAround } from "../program/units.ts"

const MEMO = Symbol("row calls of a file")

/** Every call of a file that reads or writes rows, in the order of the text. */
export function rowCallsOf(program: Program, file: File): readonly RowCall[] {
  return program.memo<File, readonly RowCall[]>(MEMO, file, [], () => {
    const own = ownRowsOf(program, file)
    const inner = new Set<Call>()
    const byCall = new Map<Call, RowCall>()
    for (const row of own) {
      byCall.set(row.call, row)
      for (const step of stepsOf(row.call)) inner.add(step)
    }
    return file.calls.flatMap((call): readonly RowCall[] => {
      const row = byCall.get(call)
      if (row) return seenThrough(program, file, row)
      return inner.has(call) || !unitAround(file, call) ? [] : calledRows(program, file, call)
    })
  })
}

/** A row that its name told of, as the function behind the name has it, where that is the program's own. */
function seenThrough(program: Program, file: File, row: RowCall): readonly RowCall[] {
  const [first] = stepsOf(row.call)
  const behind = row.query || !first ? [] : calledRows(program, file, first)
  const same =
    behind.find((one) => one.kind === row.kind) ??
    behind.find((one) => (one.kind === "read") === (row.kind === "read"))
  // The name said something else than what is done.
  if (!same) return behind.length > 0 ? behind : [row]
  return [
    {
      ...same,
      call: row.call,
      table: same.table ?? row.table,
      where: same.where.length > 0 ? same.where : row.where,
      sets: same.sets.length > 0 ? same.sets : row.sets,
      locks: row.locks || same.locks,
      isLimited: row.isLimited || same.isLimited,
      results: row.results,
    },
  ]
}
