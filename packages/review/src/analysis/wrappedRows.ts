/**
 * Rows that are read or written through a function that does nothing else: `getKeyCount(db, owner)` in the file of
 * queries, `reader.existsByOwner(owner)` before a repository. Such a call is taken for what it wraps.
 */
import type { Call, Func } from "../ir/nodes.ts"
import type { File } from "./file.ts"
import type { Located, Program } from "./program.ts"
import { resolveCall } from "./resolve.ts"
import { resultsOf, type RowCall, rowCallsOf, stepsOf } from "./rowCalls.ts"
import { takesLock } from "./rowGuards.ts"
import { unitAround } from "./units.ts"

/** Names of functions that bring rows or put them in. */
const WRAPS =
  /^_?(?:get|find|fetch|load|read|list|count|exists|has|is|insert|create|add|save|store|put|record|register)(?:$|[A-Z_])/i
/** Longer ones do more than ask for rows. */
const MAX_LENGTH = 1200

const MEMO = Symbol("rows through wrappers")

/** Calls of a file that stand for one row call in another function. */
export function wrappedRows(program: Program, file: File): readonly RowCall[] {
  return program.memo<File, readonly RowCall[]>(MEMO, file, [], () => {
    const known = new Set(rowCallsOf(program, file).flatMap((row) => stepsOf(row.call)))
    return file.calls.flatMap((call) => {
      if (known.has(call) || !WRAPS.test(call.name) || !unitAround(file, call)) return []
      const row = wrappedBy(program, file, call, 1)
      return row
        ? [{ ...row, call, results: row.kind === "read" ? resultsOf(file, call) : [] }]
        : []
    })
  })
}

function wrappedBy(program: Program, file: File, call: Call, depth: number): RowCall | null {
  const targets = resolveCall(program, file, call).filter(({ fn }) => fn.body !== null)
  const [target] = targets
  return target && targets.length === 1 ? onlyRow(program, target, depth) : null
}

/** The one row call of a function; null where there are more, or where it does more. */
function onlyRow(program: Program, { file, fn }: Located, depth: number): RowCall | null {
  if (fn.end - fn.start > MAX_LENGTH || file.isTest) return null
  const rows = rowCallsOf(program, file).filter((row) => isWithin(row.call, fn))
  const [row] = rows
  if (row) {
    if (rows.length > 1) return null
    return { ...row, locks: row.locks || takesLock(file.textOf(fn)) }
  }
  if (depth === 0) return null
  const inner = file.calls.filter((call) => isWithin(call, fn) && WRAPS.test(call.name))
  return inner.length === 1 ? wrappedBy(program, file, inner[0]!, depth - 1) : null
}

function isWithin(call: Call, fn: Func): boolean {
  return call.start >= fn.start && call.end <= fn.end
}
