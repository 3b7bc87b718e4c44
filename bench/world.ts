import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defineJob, Drover } from "drover"
import type { DroverOptions, JobContext, JobDefinition } from "drover"
import { sqlite } from "drover/sqlite"

/** A job that does nothing: what is left is Drover. */
export const nothing: JobDefinition<{ n: number }, void> = defineJob("bench.nothing", {
  run(_context: JobContext<{ n: number }>) {
    // Nothing on purpose.
  },
})

/** A folder of its own on the disk that `TMPDIR` names, gone when the scope ends. */
export class Scratch {
  readonly folder: string = mkdtempSync(join(tmpdir(), "drover-bench-"))
  #files = 0

  /** A path that was not used before. */
  file(): string {
    return join(this.folder, `${++this.#files}.db`)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A client with the settings that users get when they set nothing. */
export function defaultDrover(path: string, options: Partial<DroverOptions> = {}): Drover {
  return new Drover({ store: sqlite(path), jobs: [nothing], ...options })
}

/** Resolves when this many jobs were completed by workers of this client. */
export function completed(drover: Drover, count: number): Promise<void> {
  return new Promise((resolve) => {
    let left = count
    const stop = drover.on("job.completed", () => {
      if (--left > 0) return
      stop()
      resolve()
    })
  })
}
