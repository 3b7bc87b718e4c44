import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { storeSuite } from "@drover/conformance"
import type { Harness, OwnConnection, StoreProcess } from "@drover/conformance"
import { Events } from "../events/index.ts"
import type { Store, StoreSource } from "../store/index.ts"
import { ManualClock, SeededRng } from "../time/index.ts"
import { sqlite, sqliteShared } from "./index.ts"

interface SimulatedProcess extends StoreProcess {
  readonly clock: ManualClock
}

function connect(source: StoreSource, clock: ManualClock, seed: string): Store {
  return source.connect({ clock, rng: new SeededRng(seed), events: new Events() })
}

async function openProcess(source: StoreSource, seed: string): Promise<SimulatedProcess> {
  const clock = new ManualClock()
  const store = connect(source, clock, seed)
  await store.open({ migrate: true })
  return { store, clock, jumpWall: (byMs) => clock.jumpWall(byMs) }
}

/** Several processes over one database; `own` is a connection for the user's own table. */
async function harnessOver(
  source: StoreSource,
  own: DatabaseSync,
  rest: Pick<Harness, "ownConnection" | "close">,
): Promise<Harness> {
  const processes = [
    await openProcess(source, "first"),
    await openProcess(source, "second"),
  ] as const
  own.exec("create table note (text text) strict")
  return {
    ...rest,
    processes,
    async advance(ms) {
      for (const { clock } of processes) await clock.advance(ms)
    },
    connect: () => connect(source, processes[0].clock, "third"),
    async writeIn(connection, text) {
      write(connection as DatabaseSync, text)
    },
    async written() {
      return own
        .prepare("select text from note order by rowid")
        .all()
        .map(({ text }) => String(text))
    },
    async close() {
      for (const { store } of processes) await store.close()
      own.close()
      await rest.close()
    },
  }
}

function write(db: DatabaseSync, text: string): void {
  db.prepare("insert into note (text) values (?)").run(text)
}

async function openOwn(path: string): Promise<OwnConnection> {
  const db = new DatabaseSync(path)
  return {
    connection: db,
    begin: async () => db.exec("begin immediate"),
    commit: async () => db.exec("commit"),
    rollback: async () => db.exec("rollback"),
    write: async (text) => write(db, text),
    close: async () => db.close(),
  }
}

storeSuite({
  name: "SQLite in a file",
  async open() {
    const folder = mkdtempSync(join(tmpdir(), "drover-conformance-"))
    const path = join(folder, "app.db")
    return harnessOver(sqlite(path), new DatabaseSync(path), {
      ownConnection: () => openOwn(path),
      close: async () => rmSync(folder, { recursive: true }),
    })
  },
})

storeSuite({
  name: "SQLite in memory",
  async open() {
    const db = new DatabaseSync(":memory:")
    return harnessOver(sqliteShared(db), db, { close: async () => {} })
  },
})
