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
import { clearTables, openTables, shutTables } from "./moveGuard.ts"
import { countRows, exportRows, takeIn } from "./moveRows.ts"
import type { SqliteDatabase } from "./sqliteDatabase.ts"
import { deadWorkers } from "./workers.ts"
import type { ReadTx, WriteTx } from "./writeTx.ts"

/** `MoveStore` on node:sqlite. */
export class SqliteMove implements MoveStore {
  readonly label: string
  readonly #database: SqliteDatabase

  constructor(database: SqliteDatabase) {
    this.#database = database
    this.label = database.label
  }

  async tables(): Promise<TablesMade> {
    return tablesMade(await this.#database.migrationsFound())
  }

  open(options: OpenOptions): Promise<void> {
    return this.#database.open(options)
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  now(): Promise<number> {
    return this.#database.storeNow()
  }

  readNote(): Promise<MoveNote | null> {
    return this.#database.read("readNote", noteIn)
  }

  async shut(
    note: MoveNote,
  ): Promise<{ readonly shut: boolean; readonly workers: readonly string[] }> {
    const dead = new Set(await deadWorkers(this.#database))
    return this.#change("shut", (tx) => {
      const leased = tx.statements.all("leased_workers", tx.now).map(([id]) => id as string)
      const workers = leased.filter((id) => !dead.has(id))
      if (workers.length > 0) return { shut: false, workers }
      shutTables(tx, note)
      write(tx, note)
      return { shut: true, workers }
    })
  }

  shutEmpty(note: MoveNote, at: number): Promise<boolean> {
    return this.#change("shutEmpty", (tx) => {
      if (tx.statements.first("anything")?.[0] === 1) return false
      shutTables(tx, note)
      write(tx, note)
      tx.statements.run("advance_clock", at, null, null, null)
      return true
    })
  }

  writeNote(note: MoveNote): Promise<void> {
    return this.#change("writeNote", (tx) => {
      shutTables(tx, note)
      write(tx, note)
    })
  }

  reopen(note: MoveNote | null): Promise<void> {
    return this.#change("reopen", (tx) => {
      openTables(tx)
      if (note === null) tx.statements.run("forget_move")
      else write(tx, note)
    })
  }

  countRows(part: MovePart): Promise<number> {
    return this.#database.read("countRows", (tx) => countRows(tx, part))
  }

  exportRows(part: MovePart, after: string | null, limit: number): Promise<MovePage> {
    return this.#database.read("exportRows", (tx) => exportRows(tx, part, after, limit))
  }

  importRows(
    part: MovePart,
    page: {
      readonly from: string | null
      readonly to: string | null
      readonly rows: readonly MoveRow[]
    },
  ): Promise<"imported" | "repeated"> {
    return this.#change("importRows", (tx) => {
      const note = noteIn(tx)
      const before = note?.progress[part] ?? { after: null, rows: 0, done: false }
      if (note === null || before.done || before.after !== page.from) return "repeated"
      takeIn(tx, part, page.rows)
      const after = page.to ?? page.from
      const progress = { after, rows: before.rows + page.rows.length, done: page.to === null }
      write(tx, { ...note, progress: { ...note.progress, [part]: progress } })
      return "imported"
    })
  }

  clear(): Promise<void> {
    return this.#change("clear", (tx) => {
      clearTables(tx)
      const note = noteIn(tx)
      if (note !== null) write(tx, { ...note, progress: {} })
    })
  }

  // The door is shut again before the commit, so nobody else ever finds it open; the pulse is a guarded table too.
  #change<T>(operation: string, body: (tx: WriteTx) => T): Promise<T> {
    return this.#database.write(operation, (tx) => {
      tx.statements.run("open_door")
      const result = body(tx)
      tx.save()
      tx.statements.run("close_door")
      return result
    })
  }
}

/** What the database keeps about a move, or `null`. */
export function noteIn(tx: ReadTx): MoveNote | null {
  const text = tx.statements.first("read_move")?.[0]
  return text === undefined ? null : (JSON.parse(text as string) as MoveNote)
}

function write(tx: WriteTx, note: MoveNote): void {
  tx.statements.run("write_move", JSON.stringify(note))
}
