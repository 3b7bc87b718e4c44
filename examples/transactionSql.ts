// On Postgres, from plain SQL: a trigger enqueues a job for each new row, whoever inserts it, in whatever language.
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { postgres } from "drover/postgres"
import pg from "pg"

const url = process.env["DATABASE_URL"] ?? "postgres://localhost/app"
// A schema for this run alone, so that the example can be run again.
const schema = `example_sql_${process.pid}`

const welcome = defineJob("mail.welcome", {
  run: ({ input }: JobContext<{ user: number }>) => `welcome, user ${input.user}`,
})

const client = new pg.Client({ connectionString: url })
await client.connect()
try {
  await using drover = new Drover({ store: postgres({ url, schema }), jobs: [welcome] })
  await drover.migrate()
  await client.query(`
    create table ${schema}.account (id integer primary key, mail text not null);
    create function ${schema}.welcome_account() returns trigger language plpgsql as $$
    begin
      perform ${schema}.enqueue(
        'mail.welcome',
        jsonb_build_object('user', new.id),
        jsonb_build_object('tags', jsonb_build_array('signup'), 'unique', 'account ' || new.id)
      );
      return new;
    end $$;
    create trigger welcome_account after insert on ${schema}.account
    for each row execute function ${schema}.welcome_account()`)

  await client.query("begin")
  await client.query(`insert into ${schema}.account values (7, 'ann@example.org')`)
  await client.query("commit")
  await client.query("begin")
  await client.query(`insert into ${schema}.account values (8, 'bob@example.org')`)
  await client.query("rollback")

  const { jobs } = await drover.list({ tags: ["signup"] })
  console.log("jobs of the trigger:", jobs.length)
  await using worker = await drover.work()
  for (const { id } of jobs) console.log(await drover.job(id, welcome).result({ timeout: "30s" }))
  console.log("worker:", worker.state)
} finally {
  await client.query(`drop schema if exists ${schema} cascade`)
  await client.end()
}
