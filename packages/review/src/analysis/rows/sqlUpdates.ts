/** Values that functions of SQL select into a variable, change, and write back. */
import type { File } from "../program/file.ts"
import { bare } from "./rows.ts"
import { readSql } from "./sql/readSql.ts"
import type { SqlStatement } from "./sql/statement.ts"

export interface SqlUpdate {
  readonly read: SqlStatement
  readonly update: SqlStatement
  readonly set: SqlStatement["sets"][number]
}

/** Times and places in an order are moved on, and whoever moves them last is right. */
export function isTime(column: string): boolean {
  return (
    /(?:at|atms|date|time|until|timestamp|position|priority|rank|offset|page|cursor)$/.test(
      column,
    ) || column === ""
  )
}

/** Functions of SQL that select into a variable and update from it. */
export function sqlUpdates(file: File): SqlUpdate[] {
  return readSql(file.text).flatMap((outer) => {
    const inside = outer.verb === "create function" ? outer.nested : []
    return inside.flatMap((update, index) => {
      const [table] = update.writes
      const set = update.sets.find(
        (one) =>
          !one.isSelfReferential &&
          !isTime(bare(one.column)) &&
          /[-+*]/.test(file.text.slice(one.value.start, one.value.end)),
      )
      if (update.verb !== "update" || !table || !set) return []
      const read = inside
        .slice(0, index)
        .find((one) => readsInto(file, one, table.name, set.column))
      const text = file.text.slice(outer.start, outer.end)
      if (!read || read.rowLock || /advisory|lock\s+table|serializable|for\s+update/i.test(text))
        return []
      if (update.where.some((one) => one.column === set.column || /version/.test(one.column)))
        return []
      return [{ read, update, set }]
    })
  })
}

function readsInto(file: File, one: SqlStatement, table: string, column: string): boolean {
  const text = file.text.slice(one.start, one.end)
  return (
    one.verb === "select" &&
    /\binto\b/i.test(text) &&
    text.toLowerCase().includes(column) &&
    one.reads.some((read) => read.name === table)
  )
}
