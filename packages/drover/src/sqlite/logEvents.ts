import { watch } from "node:fs"
import type { FileIdentity } from "./safety.ts"

/**
 * Calls back when anybody writes to the log beside an open database, which every commit begins with; without
 * any cost while nobody does. Events may be lost, and on some systems there are none.
 * @returns ends the watch; `undefined` where the system cannot watch.
 */
export function watchLog(
  { realPath }: FileIdentity,
  onWrite: () => void,
  onEnd: () => void,
): (() => void) | undefined {
  try {
    // The log, not the database: closing what watches a file would drop this process's locks on it where the
    // watch opens it (macOS), and SQLite holds none on the log.
    const watcher = watch(`${realPath}-wal`, { persistent: false }, onWrite)
    watcher.on("error", () => {
      watcher.close()
      onEnd()
    })
    return () => watcher.close()
  } catch {
    // No log yet, or no watches left to this user (inotify limits).
    return undefined
  }
}
