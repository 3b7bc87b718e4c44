import type { StoredTerm } from "../history/runHistory.ts"
import type { Row } from "./postgresGround.ts"

interface Server {
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
}

const STATEMENTS = [
  "create schema nemesis",
  "create table nemesis.term_log (term bigint not null, what text not null)",
  // As the owner, because the roles under test may not write here.
  `create function nemesis.begun() returns trigger language plpgsql security definer as $$
   begin
     insert into nemesis.term_log values (new.term, 'begun');
     return null;
   end $$`,
  `create function nemesis.wrote() returns trigger language plpgsql security definer as $$
   begin
     insert into nemesis.term_log values (new.term, new.service);
     return null;
   end $$`,
  `create trigger nemesis_begun after update on drover.term for each row
   when (new.term <> old.term) execute function nemesis.begun()`,
  `create trigger nemesis_wrote after insert or update on drover.turn for each row
   execute function nemesis.wrote()`,
]

/**
 * Lets the server write down which term began and which term's leader took the turn of a service, in the very
 * transactions that do it: only their commits say what came first, and a process that is paused hears of its own late.
 */
export async function watchTerms(server: Server): Promise<void> {
  for (const statement of STATEMENTS) await server.query(statement)
}

/** What it wrote down, in the order of commits. */
export async function storedTerms(server: Server): Promise<readonly StoredTerm[]> {
  const rows = await server.query(
    "select term, what from nemesis.term_log order by pg_xact_commit_timestamp(xmin)",
  )
  return rows.map(({ term, what }) => ({ term: Number(term), what: String(what) }))
}
