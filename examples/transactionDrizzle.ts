// On Postgres, with Drizzle: your own rows and a job in one transaction, through the transaction that Drizzle opened.
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { postgres } from "drover/postgres"
import { fromDrizzle } from "drover/postgres/drizzle"
import { drizzle } from "drizzle-orm/node-postgres"
import { integer, pgSchema, text } from "drizzle-orm/pg-core"
import pg from "pg"

const url = process.env["DATABASE_URL"] ?? "postgres://localhost/app"
// A schema for this run alone, so that the example can be run again.
const schema = `example_drizzle_${process.pid}`

const account = pgSchema(schema).table("account", {
  id: integer().primaryKey(),
  mail: text().notNull(),
})
const welcome = defineJob("mail.welcome", {
  run: ({ input }: JobContext<{ user: number }>) => `welcome, user ${input.user}`,
})

const pool = new pg.Pool({ connectionString: url })
const db = drizzle(pool)
try {
  await using drover = new Drover({ store: postgres({ url, schema }), jobs: [welcome] })
  await drover.migrate()
  await db.execute(`create table ${schema}.account (id integer primary key, mail text not null)`)

  const handle = await db.transaction(async (tx) => {
    await tx.insert(account).values({ id: 7, mail: "ann@example.org" })
    return drover.enqueue(welcome, { user: 7 }, { transaction: fromDrizzle(tx) })
  })
  console.log("committed:", (await db.select().from(account)).length, "row,", handle.status)

  const failing = db.transaction(async (tx) => {
    await tx.insert(account).values({ id: 8, mail: "bob@example.org" })
    await drover.enqueue(welcome, { user: 8 }, { transaction: fromDrizzle(tx) })
    throw new Error("no such plan")
  })
  await failing.catch((error: Error) => console.log("rolled back:", error.message))
  console.log("still:", await db.$count(account), "row,", await drover.count(), "job")

  await using worker = await drover.work()
  console.log(await handle.result({ timeout: "30s" }), `(worker ${worker.state})`)
} finally {
  await pool.query(`drop schema if exists ${schema} cascade`)
  await pool.end()
}
