import type {
  MoveNote,
  MovePage,
  MovePart,
  MoveRow,
  MoveStore,
  OpenOptions,
  TablesMade,
} from "../store/index.ts"
import { tablesMade } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { PostgresDatabase } from "./database.ts"
import { clearTables, openTables, shutTables } from "./moveGuard.ts"
import { countRows, exportRows, takeIn } from "./moveRows.ts"
import type { QueryName } from "./statementTexts.ts"

// An index over all jobs is built when a database is shut.
const LONG = { deadlineMs: 60 * 60_000, repeatable: true } as const

/** `MoveStore` on Postgres. Its role owns the schema, as that of a migrator does. */
export class PostgresMove implements MoveStore {
  readonly label: string
  readonly #database: PostgresDatabase

  constructor(database: PostgresDatabase) {
    this.#database = database
    this.label = database.label
  }

  async tables(): Promise<TablesMade> {
    return tablesMade(await this.#database.migrations())
  }

  open(options: OpenOptions): Promise<void> {
    return this.#database.open(options)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  async now(): Promise<number> {
    const [row] = await this.#database.statement("now", "store_time", [], { reads: true })
    return row?.[0] as number
  }

  readNote(): Promise<MoveNote | null> {
    return this.#database.read("readNote", (connection) => noteIn(connection, "read_move"))
  }

  shut(note: MoveNote): Promise<{ readonly shut: boolean; readonly workers: readonly string[] }> {
    return this.#change("shut", async (connection) => {
      // First the guards, which wait for writes under way: whoever registered before is seen then.
      await shutTables(connection, note)
      const leased = await connection.query("leased_workers")
      const workers = leased.map(([id]) => id as string)
      if (workers.length > 0) {
        await openTables(connection)
        return { shut: false, workers }
      }
      await write(connection, note)
      return { shut: true, workers }
    })
  }

  shutEmpty(note: MoveNote): Promise<boolean> {
    return this.#change("shutEmpty", async (connection) => {
      await shutTables(connection, note)
      if ((await connection.query("anything"))[0]?.[0] === true) {
        await openTables(connection)
        return false
      }
      await write(connection, note)
      return true
    })
  }

  writeNote(note: MoveNote): Promise<void> {
    return this.#change("writeNote", async (connection) => {
      await shutTables(connection, note)
      await write(connection, note)
    })
  }

  reopen(note: MoveNote | null): Promise<void> {
    return this.#change("reopen", async (connection) => {
      await openTables(connection)
      if (note === null) await connection.run("forget_move")
      else await write(connection, note)
    })
  }

  countRows(part: MovePart): Promise<number> {
    return this.#change("countRows", (connection) => countRows(connection, part))
  }

  exportRows(part: MovePart, after: string | null, limit: number): Promise<MovePage> {
    return this.#database.read("exportRows", (connection) =>
      exportRows(connection, part, after, limit),
    )
  }

  importRows(
    part: MovePart,
    page: {
      readonly from: string | null
      readonly to: string | null
      readonly rows: readonly MoveRow[]
    },
  ): Promise<"imported" | "repeated"> {
    return this.#change("importRows", async (connection) => {
      const note = await noteIn(connection, "lock_move")
      const before = note?.progress[part] ?? { after: null, rows: 0, done: false }
      if (note === null || before.done || before.after !== page.from) return "repeated"
      await takeIn(connection, part, page.rows)
      const after = page.to ?? page.from
      const progress = { after, rows: before.rows + page.rows.length, done: page.to === null }
      await write(connection, { ...note, progress: { ...note.progress, [part]: progress } })
      return "imported"
    })
  }

  clear(): Promise<void> {
    return this.#change("clear", async (connection) => {
      await clearTables(connection)
      const note = await noteIn(connection, "lock_move")
      if (note !== null) await write(connection, { ...note, progress: {} })
    })
  }

  // Every change may run again after a lost reply: the note tells what was done.
  #change<T>(operation: string, body: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#database.write(
      operation,
      async (connection) => {
        await connection.query("take_time")
        await connection.query("open_door")
        return body(connection)
      },
      LONG,
    )
  }
}

/** What the database keeps about a move, or `null`. */
export async function noteIn(connection: Connection, query: QueryName): Promise<MoveNote | null> {
  const text = (await connection.query(query))[0]?.[0]
  return text === undefined ? null : (JSON.parse(text as string) as MoveNote)
}

async function write(connection: Connection, note: MoveNote): Promise<void> {
  await connection.run("write_move", [JSON.stringify(note)])
}
