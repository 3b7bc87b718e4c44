/** Locks that are rows of a table: taken by writing an owner, given back by deleting or clearing the row. */
import type { Call } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { type Query, queriesOf } from "./queries.ts"
import { ownRowsOf } from "./ownRows.ts"
import type { RowCall } from "./rowCall.ts"
import type { SqlStatement } from "./sql/statement.ts"

export interface RowRelease {
  readonly at: Query["at"]
  /** `delete` or `update`. */
  readonly statement: string
  /** The column that says whose the lock is. */
  readonly owner: string
  readonly taken: { readonly file: File; readonly at: Query["at"] }
}

const TABLE_WORD = /^(?:\w*locks?|leases?|leaders?|mutex(?:es)?|semaphores?)$/
const OWNER =
  /^(?:(?:lock(?:ed)?_?)?(?:by|owner(?:_?id)?|holder(?:_?id)?|token)|owned_?by|held_?by|(?:instance|node|worker|process|leader|session)_?id|fencing_?token)$/i
const FREED = /lock|lease|expire|owner|holder|held|until/i

const ROWS =
  /(?:delete\s{1,4}from|update)\s{1,4}["`\w.]{0,40}(?:lock|lease|leader|mutex|semaphore)/i

const TAKEN = Symbol("how rows of locks are taken")

interface Taken {
  readonly table: string
  readonly owner: string
  readonly file: File
  readonly at: Query["at"]
}

/** Places of a file that free the row of a lock without a condition on its owner. */
export function rowReleasesOf(program: Program, file: File): RowRelease[] {
  return [...inStatements(program, file), ...inCalls(program, file), ...inItems(file)]
}

const PUTS = /^(?:PutCommand|PutItemCommand|put_?item|putItem|put|PutItem|PutItemInput)$/
const DELETES =
  /^(?:DeleteCommand|DeleteItemCommand|delete_?item|deleteItem|DeleteItem|DeleteItemInput)$/

/** DynamoDB's items: put where there is none (`attribute_not_exists`), deleted without a condition. */
function inItems(file: File): RowRelease[] {
  if (!file.text.includes("attribute_not_exists")) return []
  const taken = file.calls.find((call) => {
    const text = PUTS.test(call.name) ? file.textOf(call) : ""
    return text.includes("attribute_not_exists") && speaksOfLocks(file, call) && ownerIn(text)
  })
  const owner = taken && ownerIn(file.textOf(taken))
  if (!taken || !owner) return []
  return file.calls.flatMap((call) => {
    if (!DELETES.test(call.name) || FORCED.test(file.methodOf(call)?.name ?? "")) return []
    const text = file.textOf(call)
    if (!/\bKey\b/.test(text) || /Condition|Expected/.test(text) || !speaksOfLocks(file, call))
      return []
    return [{ at: call, statement: "delete", owner, taken: { file, at: taken } }]
  })
}

function ownerIn(text: string): string | null {
  const names = text.match(/\b\w+(?=["']?\s*:|\s*=)/g) ?? []
  return names.find((name) => OWNER.test(name)) ?? null
}

function speaksOfLocks(file: File, call: Call): boolean {
  const names = [file.methodOf(call)?.name ?? "", file.classOf(call)?.name ?? "", file.textOf(call)]
  return names
    .flatMap(wordsOf)
    .some((word) => /^(?:locks?|locked|lease|mutex|semaphore)$/.test(word))
}

const LOCK_TABLE = /(?:^|[^bc]|job|db)lock$|lease$|leader$|mutex$|semaphore$/
const SWEEPS = /expire|until|stale|at$/
/** Deleting by force is what it says. */
const FORCED = /force|admin|break|steal|purge|flush|reset|evict|clean|sweep|expire|stale|reap/i

/** Documents, query builders and mappers: `locks.deleteOne({ _id: name })`. */
function inCalls(program: Program, file: File): RowRelease[] {
  if (!/[lL]ock|[lL]ease/.test(file.text) || !/[dD]elete|[uU]pdate|remove/.test(file.text))
    return []
  const rows = ownRowsOf(program, file).filter(
    (row) => row.query === null && row.table !== null && LOCK_TABLE.test(row.table),
  )
  return rows.flatMap((row) => {
    const fn = file.methodOf(row.call)
    if (!isFreed(row) || row.where.length === 0 || FORCED.test(fn?.name ?? "")) return []
    if (row.where.some((one) => OWNER.test(one.column) || SWEEPS.test(one.column))) return []
    const taken = rows.find((one) => one !== row && one.table === row.table && ownerOf(one))
    const owner = taken && ownerOf(taken)
    if (!taken || !owner) return []
    // Rows that the store names itself are each holder's own.
    const isByOwnId = row.where.every((one) => one.column === "id")
    if (isByOwnId && !taken.sets.some((set) => set.column === "id")) return []
    // Whose it is may have been asked before.
    const before = file.text.slice(fn?.start ?? 0, row.call.start)
    if (new RegExp(`\\b${owner}\\b`, "i").test(before.replaceAll("_", ""))) return []
    return {
      at: row.call,
      statement: row.kind === "delete" ? "delete" : "update",
      owner,
      taken: { file, at: taken.call },
    }
  })
}

function isFreed(row: RowCall): boolean {
  return (
    row.kind === "delete" ||
    (row.kind === "update" &&
      row.sets.some((set) => set.value?.kind === "null" && OWNER.test(set.column)))
  )
}

function ownerOf(row: RowCall): string | null {
  if (!/^(?:insert|upsert|update|save)$/.test(row.kind)) return null
  const set = row.sets.find((one) => OWNER.test(one.column) && one.value?.kind !== "null")
  return set?.column ?? null
}

function inStatements(program: Program, file: File): RowRelease[] {
  const found: RowRelease[] = []
  if (!ROWS.test(file.text)) return found
  for (const query of queriesOf(program, file)) {
    for (const statement of query.statements) {
      const table = releasedTable(statement)
      if (!table) continue
      const taken = takenIn(program, file).find((one) => one.table === table)
      if (!taken || taken.at === query.at) continue
      // Also as a condition that is no WHERE: Cassandra's `if owner = ?`.
      if (new RegExp(`\\b${taken.owner}\\b\\s*(?:=|in\\b|is\\b)(?!\\s*null)`, "i").test(query.text))
        continue
      found.push({
        at: query.node ? query.at : statement,
        statement: statement.verb,
        owner: taken.owner,
        taken: { file: taken.file, at: taken.at },
      })
    }
  }
  return found
}

/** The table of a statement that frees one lock by its name. */
function releasedTable(statement: SqlStatement): string | null {
  const [table] = statement.writes
  if (!table || !isLockTable(table.name) || statement.where.length === 0) return null
  // Sweeping up what is expired frees nobody's lock.
  if (statement.where.some((one) => !/^(?:=|in)$/.test(one.op))) return null
  if (statement.verb === "delete") return table.name
  if (statement.verb !== "update") return null
  const clears = statement.sets.some((set) => set.value.kind === "null" && FREED.test(set.column))
  return clears ? table.name : null
}

function isLockTable(name: string): boolean {
  return wordsOf(name).some((word) => TABLE_WORD.test(word))
}

/** Inserts and updates of lock tables in this file that write an owner. */
function takenIn(program: Program, file: File): readonly Taken[] {
  return program.memo<File, readonly Taken[]>(TAKEN, file, [], () =>
    queriesOf(program, file).flatMap((query) =>
      query.statements.flatMap((statement) => {
        const [table] = statement.writes
        if (!table || !isLockTable(table.name)) return []
        const columns =
          statement.verb === "insert"
            ? statement.columns
            : statement.verb === "update"
              ? statement.sets.filter((set) => set.value.kind !== "null").map((set) => set.column)
              : []
        const owner = columns.find((column) => OWNER.test(column))
        return owner ? [{ table: table.name, owner, file, at: query.at }] : []
      }),
    ),
  )
}
