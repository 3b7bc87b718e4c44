import type { MoveNote } from "../store/index.ts"
import type { Connection } from "./connection.ts"

// Jobs in the order of a move; only a database that is shut has it.
const ORDER = "create index if not exists job_move_order on {schema}.job (enqueued_at, id)"
const NO_ORDER = "drop index if exists {schema}.job_move_order"

/**
 * Makes Postgres itself refuse every write to Drover's tables, whoever tries: processes that are connected, older
 * versions, a transaction of the user's, plain SQL. Only a transaction that opened the door may write. Waits for writes
 * that are under way.
 */
export async function shutTables(connection: Connection, note: MoveNote): Promise<void> {
  await connection.text("select set_config('drover.move_reason', $1, true)", [reasonOf(note)])
  // The reason becomes part of the function's text, quoted by the server.
  await connection.execute(`do $do$ begin execute format($format$
    create or replace function {schema}.refuse_while_shut() returns trigger language plpgsql as $body$
    begin
      if current_setting('drover.move_door', true) is distinct from 'open' then
        raise exception using errcode = 'DRV01', message = %L;
      end if;
      return null;
    end $body$ $format$, 'drover is shut: ' || current_setting('drover.move_reason')); end $do$`)
  for (const table of await tablesOf(connection)) {
    await connection.execute(
      `create or replace trigger refuse_while_shut before insert or update or delete or truncate on {schema}.${table}
      for each statement execute function {schema}.refuse_while_shut()`,
    )
  }
  await connection.execute(ORDER)
}

/** Takes the guards away. */
export async function openTables(connection: Connection): Promise<void> {
  await connection.execute(
    `drop function if exists {schema}.refuse_while_shut() cascade; ${NO_ORDER}`,
  )
}

/** Empties every table that a move fills; the terms of leaders go on counting. */
export async function clearTables(connection: Connection): Promise<void> {
  const kept = new Set(["term"])
  const tables = (await tablesOf(connection)).filter((table) => !kept.has(table))
  await connection.execute(`truncate ${tables.map((table) => `{schema}.${table}`).join(", ")}`)
}

async function tablesOf(connection: Connection): Promise<readonly string[]> {
  return (await connection.query("tables_to_shut")).map(([name]) => name as string)
}

function reasonOf({ role, state, peer }: MoveNote): string {
  if (role === "target") return `it is being filled from ${peer}`
  return state === "moved" ? `it was moved to ${peer}` : `it is being moved to ${peer}`
}
