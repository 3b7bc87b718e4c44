import { statSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import type { Reaper } from "../fleet/reaper.ts"
import type { StoreAddress } from "../fleet/workerPlan.ts"
import type { StoredTerm } from "../history/runHistory.ts"
import type { Ground } from "./ground.ts"
import { SmallDisk } from "./smallDisk.ts"

const MIB = 1_048_576

/** A SQLite file, on a small disk of its own where one can be had. */
export class SqliteGround implements Ground {
  readonly dialect = "sqlite"
  readonly control: StoreAddress
  readonly path: string
  /** `null` where file systems must not be mounted. */
  readonly disk: SmallDisk | null
  readonly missing: ReadonlyMap<string, string>

  /** Every commit is seen in the file. */
  readonly enqueueUnheard = null

  constructor(folder: string, reaper: Reaper, diskMib: number) {
    this.disk = SmallDisk.mount(join(folder, "disk"), diskMib, reaper)
    this.path = join(this.disk?.path ?? folder, "app.db")
    this.control = { dialect: "sqlite", path: this.path }
    this.missing = new Map(
      this.disk === null ? [["full", "a small file system needs the right to mount one"]] : [],
    )
  }

  address(): Promise<StoreAddress> {
    return Promise.resolve(this.control)
  }

  measure(): Promise<Readonly<Record<string, number>>> {
    const log = statSync(`${this.path}-wal`, { throwIfNoEntry: false })
    return Promise.resolve({ walMb: Math.round((log?.size ?? 0) / MIB) })
  }

  /** One transaction writes at a time, so the order in which processes were answered is enough. */
  watchTerms(): Promise<void> {
    return Promise.resolve()
  }

  storedTerms(): Promise<readonly StoredTerm[]> {
    return Promise.resolve([])
  }

  carried(): number {
    return 0
  }

  keep(): void {
    this.disk?.keep()
  }

  integrity(): Promise<string> {
    const db = new DatabaseSync(this.path, { readOnly: true })
    try {
      const rows = db.prepare("pragma integrity_check").all()
      return Promise.resolve(rows.map((row) => String(row["integrity_check"])).join("; "))
    } finally {
      db.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disk?.unmount()
  }
}
