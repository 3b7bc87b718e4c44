import type { Durability } from "./connection.ts"
import { openWriter } from "./connection.ts"
import { Lanes } from "./lanes.ts"
import { Queues } from "./queues.ts"
import { checkIdentity } from "./safety.ts"
import type { FileIdentity } from "./safety.ts"
import { Statements } from "./statements.ts"
import type { StoreTimer } from "./storeTimer.ts"
import { WriteTx } from "./writeTx.ts"

/** What a user's transaction runs on, from its begin to its end. */
export interface Held {
  readonly tx: WriteTx
  /** Called once, when the transaction has ended or could not begin. */
  release(): void
}

/**
 * Opens a connection for one transaction of the user. It is handed out, so it may be kept, and then work that
 * nobody waits for goes on with it: on the writer's own connection that would end in somebody else's
 * transaction. Closed with its transaction it can do nothing, nor can what was prepared on it; and whatever was
 * set on it, or left unfinished, ends with it.
 * @param log `null` while it is not known. @param instance see `WriteTx`.
 * @throws an error of SQLite, which may be busy; DroverError `DROVER_STORE_REPLACED`.
 */
export function openHeld(store: {
  readonly file: FileIdentity
  readonly log: FileIdentity | null
  readonly durability: Durability
  readonly timer: StoreTimer
  readonly instance: string | undefined
}): Held {
  const { file, log, durability, timer, instance } = store
  const check = (): void => {
    checkIdentity(file)
    if (log !== null) checkIdentity(log)
  }
  // First, because opening would make a log beside whatever is there now.
  check()
  const db = openWriter(file.path, durability)
  const release = (): void => {
    // A body may have closed it itself.
    if (db.isOpen) db.close()
  }
  try {
    check()
    // Nothing is remembered for others: what the user rolls back to a savepoint, we do not learn of.
    const parts = { statements: new Statements(db), lanes: new Lanes(), queues: new Queues() }
    return { tx: new WriteTx({ db, ...parts, timer, instance }), release }
  } catch (error) {
    release()
    throw error
  }
}
