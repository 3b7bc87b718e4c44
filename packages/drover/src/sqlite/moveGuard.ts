import type { MoveNote } from "../store/index.ts"
import type { WriteTx } from "./writeTx.ts"

/** How the message of a database that is shut begins; what follows is for people. */
export const SHUT = "drover is shut: "

// Jobs and their numbers in the order of a move; only a database that is shut has it.
const ORDER = "create index if not exists drover_move_order on drover_job (enqueued_at, id)"
const NO_ORDER = "drop index if exists drover_move_order"

/**
 * Makes SQLite itself refuse every write to Drover's tables, whoever tries: processes that have the file open, older
 * versions, a transaction of the user's. Only a transaction that opened the door may write.
 */
export function shutTables(tx: WriteTx, note: MoveNote): void {
  openTables(tx)
  const text = `${SHUT}${reasonOf(note)}`.replaceAll("'", "''")
  for (const table of tablesOf(tx)) {
    for (const event of ["insert", "update", "delete"]) {
      tx.db.exec(
        `create trigger drover_shut_${table}_${event} before ${event} on ${table}
        when not exists (select 1 from drover_meta where key = 'move_door')
        begin select raise(abort, '${text}'); end`,
      )
    }
  }
  tx.db.exec(ORDER)
}

/** Takes the guards away. */
export function openTables(tx: WriteTx): void {
  for (const [name] of tx.statements.all("guards")) tx.db.exec(`drop trigger "${String(name)}"`)
  tx.db.exec(NO_ORDER)
}

/** Empties every table that a move fills; numbers that were handed out stay handed out. */
export function clearTables(tx: WriteTx): void {
  const kept = new Set(["drover_pulse", "drover_term"])
  for (const table of tablesOf(tx)) if (!kept.has(table)) tx.db.exec(`delete from ${table}`)
  tx.addFinishedBytes(-tx.finishedBytes)
  tx.forget()
}

function tablesOf(tx: WriteTx): readonly string[] {
  return tx.statements.all("tables_to_shut").map(([name]) => name as string)
}

function reasonOf({ role, state, peer }: MoveNote): string {
  if (role === "target") return `it is being filled from ${peer}`
  return state === "moved" ? `it was moved to ${peer}` : `it is being moved to ${peer}`
}
