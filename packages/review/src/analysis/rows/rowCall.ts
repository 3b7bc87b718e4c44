/** A call that reads or writes rows, as far as rules on races ask. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Query } from "./queries.ts"
import type { RowCondition, RowSetting } from "./rows.ts"

export interface RowCall {
  readonly kind: "read" | "update" | "insert" | "upsert" | "delete" | "save"
  /** The whole chain: `db("jobs").where(…).first()`; of a row behind a function, the call of the function. */
  readonly call: Call
  readonly query: Query | null
  /** Singular, without case and underscores; null where it cannot be told. */
  readonly table: string | null
  readonly where: readonly RowCondition[]
  readonly sets: readonly RowSetting[]
  /** Of a read: it takes row locks. */
  readonly locks: boolean
  /** Of a read: at most some rows. */
  readonly isLimited: boolean
  /** Names that hold what was read. */
  readonly results: readonly string[]
  /** The record that is written as it is; null where single columns are. */
  readonly record?: Node | null
  /** Where the row is touched, when the call is of a function of the program. */
  readonly through?: Through
}

/** The way from a call to the row: the functions that it goes through, and the call that touches the row. */
export interface Through {
  readonly file: File
  readonly call: Call
  readonly steps: readonly { readonly file: File; readonly fn: Func }[]
}

/** The text of what touches a row, wherever it stands. */
export function textOfRow(file: File, row: RowCall): string {
  return row.through ? row.through.file.textOf(row.through.call) : file.textOf(row.call)
}

/** The texts of the functions that a row is reached through. */
export function textOfWay(row: RowCall): string {
  return (row.through?.steps ?? []).map((one) => one.file.textOf(one.fn)).join("\n")
}
