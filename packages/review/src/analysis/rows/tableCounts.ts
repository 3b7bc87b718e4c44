/** Counts of a table's rows, however they are asked for: SQL, builders, a list whose length is taken; and what adds one. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { type RowCall, textOfRow } from "./rowCall.ts"
import { rowCallsOf } from "./rowCalls.ts"
import { singular } from "./rows.ts"

export interface TableCount {
  readonly name: string
  readonly read: Call
  readonly table: string
}

const COUNTING = /\bcount\b|\bCount\(|\$count/i

/** The count of rows that an expression holds; null for everything else. */
export function tableCountOf(
  program: Program,
  file: File,
  fn: Func,
  node: Node,
): TableCount | null {
  const value = plain(node)
  const root = rootOf(value) ?? ""
  const isLength = isSize(value) || isSize(keptIn(file, fn, value))
  if (!isLength && !/^(?:name|member|index|call)$/.test(value.kind)) return null
  const row = rowCallsOf(program, file).findLast(
    (one) =>
      one.kind === "read" &&
      one.call.start >= fn.start &&
      one.call.start < node.end &&
      (holds(value, one.call) || one.results.includes(root)),
  )
  if (!row || row.locks) return null
  const isCounted = COUNTING.test(row.query?.text ?? "") || COUNTING.test(textOfRow(file, row))
  if (!isCounted && (!isLength || row.isLimited)) return null
  const table = tableIn(file, row)
  return table === null ? null : { name: nameOf(value, row), read: row.call, table }
}

/** The first call after a place that adds a row to a table. */
export function addsTo(
  program: Program,
  file: File,
  fn: Func,
  from: number,
  table: string,
): Call | null {
  const row = rowCallsOf(program, file).find(
    (one) =>
      (one.kind === "insert" || one.kind === "save") &&
      one.call.start > from &&
      one.call.end <= fn.end &&
      tableIn(file, one) === table,
  )
  return row ? row.call : null
}

/** Whether others run between two places of a language with one thread: something is waited for. */
export function waitsBetween(fn: Func, from: number, to: number): boolean {
  let waits = false
  walk(fn, (node) => {
    if (node.kind === "await" && node.end > from && node.start < to) waits = true
    return !waits && node.end > from && node.start < to
  })
  return waits
}

function plain(node: Node): Node {
  if (node.kind === "await") return plain(node.value)
  if (node.kind === "binary" && /^(?:\?\?|\|\||\+)$/.test(node.op)) return plain(node.left)
  if (node.kind === "call" && /^(?:Number|int|parseInt|BigInt|int64|str)$/.test(node.name))
    return node.args[0] ? plain(node.args[0]) : node
  return node
}

/** What a local was given last: `const used = rows.length`. */
function keptIn(file: File, fn: Func, node: Node): Node {
  if (node.kind !== "name") return node
  const kept = file.assignments.findLast(
    (one) =>
      one.start >= fn.start &&
      one.end <= node.start &&
      one.targets.some((target) => target.kind === "name" && target.name === node.name),
  )
  return kept?.value ? plain(kept.value) : node
}

function isSize(node: Node): boolean {
  if (node.kind === "member") return /^(?:length|size)$/.test(node.name)
  return node.kind === "call" && /^(?:len|size)$/.test(node.name)
}

function holds(outer: Node, inner: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}

function nameOf(value: Node, row: RowCall): string {
  if (value.kind === "name") return value.name
  return rootOf(value) ?? row.table ?? "count"
}

/** The class or table that stands in a call of a builder, where the mapper's receiver does not tell. */
const NAMED =
  /\b(?:select_from|func\.count|insert|into|from|add|persist|save|Create|Model)\(\s*(?:&|new )?(?:schema\.|models?\.|tables?\.)?(\w+)\s*[.({)[]/

function tableIn(file: File, row: RowCall): string | null {
  if (row.table !== null) return row.table
  const named = NAMED.exec(textOfRow(file, row))
  return named ? singular(named[1]!) : null
}
