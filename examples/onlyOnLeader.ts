// A service of your own that runs on one process at a time, and a write that a late leader cannot make.
import { DatabaseSync } from "node:sqlite"
import { Drover } from "drover"
import { sqlite } from "drover/sqlite"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = mkdtempSync(join(tmpdir(), "drover-example-"))
const path = join(folder, "app.db")

// What the service writes is outside of Drover's store. Each row remembers the term of its last writer.
const own = new DatabaseSync(":memory:")
own.exec("create table price (item text primary key, cents integer, term integer)")
const write = own.prepare(`
  insert into price values (?, ?, ?)
  on conflict (item) do update set cents = excluded.cents, term = excluded.term
  where excluded.term >= price.term`)

/** One process of a fleet. */
function client(name: string): Drover {
  const drover = new Drover({ store: sqlite(path) })
  drover.onlyOnLeader("price-feed", {
    start({ term, signal }) {
      console.log(`${name} feeds prices in term ${term}`)
      signal.addEventListener("abort", () => console.log(`${name} must end: ${signal.reason.name}`))
      const { changes } = write.run("apple", 100 + term, term)
      console.log(`${name} wrote ${changes} price`)
    },
    stop: () => console.log(`${name} has ended`),
  })
  return drover
}

const running = (drover: Drover): Promise<unknown> =>
  new Promise((resolve) => drover.on("singleton.started", resolve))

const first = client("first")
const firstRuns = running(first)
await first.work()
await firstRuns
const leader = await first.leader()
console.log(`term ${leader?.term} lasts until it is not renewed`)

const second = client("second")
const secondRuns = running(second)
await second.work()
// A deploy: the first gives its term back, and the second takes over without waiting for the end of the term.
await first.close()
await secondRuns

// A write of term 1 that was held up somewhere until now.
console.log(`the late write changed ${write.run("apple", 1, 1).changes} rows`)
await second.close()
own.close()
rmSync(folder, { recursive: true })
