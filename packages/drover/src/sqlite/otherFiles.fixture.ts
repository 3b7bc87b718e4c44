import { DatabaseSync } from "node:sqlite"

/** Makes a database that is somebody else's: nothing of Drover is in it. */
export function makeForeignFile(path: string): void {
  const db = new DatabaseSync(path)
  db.exec("create table mine (a)")
  db.close()
}

/** Makes a database one version older: it does not know that the last migration was applied. */
export function makeOlder(path: string): void {
  const db = new DatabaseSync(path)
  db.exec(`delete from drover_migration where number = ${newest(db)}`)
  db.close()
}

/** The number of the newest migration that was applied. */
export function newestMigration(path: string): number {
  const db = new DatabaseSync(path)
  try {
    return newest(db)
  } finally {
    db.close()
  }
}

function newest(db: DatabaseSync): number {
  const row = db.prepare("select max(number) as number from drover_migration").get()
  return (row as { number: number }).number
}
