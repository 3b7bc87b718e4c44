// Write your own rows and enqueue in one transaction: both happen, or neither.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { defineJob, Drover } from "drover"
import type { JobContext } from "drover"
import { sqlite } from "drover/sqlite"

const welcome = defineJob("mail.welcome", {
  run: ({ input }: JobContext<{ email: string }>) => `sent to ${input.email}`,
})

const folder = mkdtempSync(join(tmpdir(), "drover-"))
const file = join(folder, "app.db")
try {
  await using drover = new Drover({ store: sqlite(file), jobs: [welcome] })

  // On a connection that Drover opens for it.
  await drover.transaction(async (tx) => {
    const db = tx.connection as DatabaseSync
    db.exec("create table if not exists account (email text primary key) strict")
    db.prepare("insert into account values (?)").run("ann@example.org")
    await tx.enqueue(welcome, { email: "ann@example.org" })
  })
  console.log("committed:", await drover.count(), "job")

  const failing = drover.transaction(async (tx) => {
    await tx.enqueue(welcome, { email: "bob@example.org" })
    throw new Error("no such plan")
  })
  await failing.catch((error: Error) => console.log("rolled back:", error.message))
  console.log("still:", await drover.count(), "job")

  // On a connection of your own to the same file, with your own begin and commit.
  const db = new DatabaseSync(file)
  db.exec("begin immediate")
  db.prepare("insert into account values (?)").run("eve@example.org")
  await drover.enqueue(welcome, { email: "eve@example.org" }, { transaction: db })
  console.log("before the commit others see:", await drover.count(), "job")
  db.exec("commit")
  db.close()
  console.log("after it:", await drover.count(), "jobs")

  await using worker = await drover.work()
  const { jobs } = await drover.list()
  for (const { id } of jobs) console.log(await drover.job(id, welcome).result({ timeout: "10s" }))
  console.log("worker:", worker.state)
} finally {
  rmSync(folder, { recursive: true })
}
