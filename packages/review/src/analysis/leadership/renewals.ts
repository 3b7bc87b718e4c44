/** Leases that are renewed by their row alone: who has lost one prolongs what somebody else has by now. */
import type { Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { ownRowsOf } from "../rows/ownRows.ts"
import type { RowCall } from "../rows/rowCall.ts"
import { bare } from "../rows/rows.ts"

export interface Renewal {
  readonly at: Node
  readonly name: string
  /** What is set anew. */
  readonly column: string
}

const RENEWS =
  /renew|prolong|extend|heart_?beat|keep_?alive|(?:refresh|touch|bump)_?(?:lease|lock|claim|job|run|task)/i
const LEASE_TIME =
  /^(?:(?:lease|lock|claim|reservation)\w*(?:until|expir\w*|end\w*|at|deadline)|(?:leased|locked|claimed|reserved|running|processing)(?:since|until|at|till))$/
const HEARTBEAT = /heartbeat/
/** Rows that one worker after the other has; those of workers themselves have a heart of their own. */
const WORK = /job|task|run|queue|message|attempt|step|outbox|delivery|export|import/i
const KEYS = /^(?:id|_id|pk|uuid|key|name|\w*id)$/
/** What tells one holder from the next. */
const HOLDER =
  /owner|token|holder|worker|(?:locked|claimed|leased|held|taken)_?by|fenc|epoch|version|term|instance|nonce|attempt(?:s|_?(?:no|number|id))\b|generation|expected|previous|receipt/i

/** Every renewal of a file that does not ask whose the lease is. */
export function renewalsIn(program: Program, file: File): Renewal[] {
  return ownRowsOf(program, file).flatMap((row) => {
    const fn = row.kind === "update" ? file.methodOf(row.call) : null
    if (!fn || !RENEWS.test(fn.name) || HOLDER.test(file.textOf(row.call))) return []
    const column = renewedBy(row)
    if (column === null || HOLDER.test(row.query?.text ?? "")) return []
    const isByKey = row.where.some((one) => KEYS.test(one.column))
    const isCompared = row.where.some((one) => one.column === column)
    return isByKey && !isCompared ? [{ at: row.call, name: fn.name, column }] : []
  })
}

function renewedBy(row: RowCall): string | null {
  const columns = row.query
    ? row.query.statements.flatMap((one) => one.sets.map((set) => bare(set.column)))
    : row.sets.map((set) => set.column)
  const isWork = WORK.test(row.table ?? "")
  return columns.find((one) => LEASE_TIME.test(one) || (isWork && HEARTBEAT.test(one))) ?? null
}
