/**
 * Copies the log of a database into its file, as far as no reader needs it, and ends. A thread of its own: see
 * `logKeeper.ts`. A passive checkpoint waits for nobody and stops nobody.
 */
import { DatabaseSync } from "node:sqlite"
import { workerData } from "node:worker_threads"

const connection = new DatabaseSync(workerData as string, { timeout: 0 })
try {
  connection.exec(
    "pragma synchronous = full; pragma wal_autocheckpoint = 0; pragma trusted_schema = off",
  )
  connection.prepare("pragma wal_checkpoint(passive)").get()
} finally {
  connection.close()
}
