// Jobs in Postgres: two processes' worth of Drover on one database, and a job about a row in one transaction.
// Give it a database: DATABASE_URL=postgres://postgres@localhost/app
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { postgres } from "drover/postgres"
import pg from "pg"

const url = process.env["DATABASE_URL"] ?? "postgres://postgres@localhost/postgres"
const schema = `drover_example_${process.pid}`

const greet = defineJob("mail.greet", {
  run: ({ input }: JobContext<{ name: string }>) => `hello, ${input.name}`,
})

const db = new pg.Client(url)
await db.connect()
try {
  // A process that works, and one that only enqueues, as on two machines.
  await using factory = new Drover({ store: postgres({ url, schema }), jobs: [greet] })
  await using shop = new Drover({ store: postgres({ url, schema, max: 2 }), jobs: [greet] })
  // In production: `drover migrate up`, once in each deploy.
  await factory.migrate()
  await using worker = await factory.work()

  const ann = await shop.enqueue(greet, { name: "Ann" })
  console.log(await ann.result({ timeout: "10s" }))

  // Your rows and the job about them commit together, or not at all.
  await db.query("begin")
  await db.query("create temporary table account (name text)")
  await db.query("insert into account values ('Bob')")
  const bob = await shop.enqueue(greet, { name: "Bob" }, { transaction: db })
  await db.query("commit")
  console.log(await bob.result({ timeout: "10s" }))

  for (const { check, status, message } of await shop.doctor()) {
    if (status === "fail") console.log(check, message)
  }
  console.log("worker:", worker.state)
} finally {
  await db.query(`drop schema if exists ${schema} cascade`)
  await db.end()
}
