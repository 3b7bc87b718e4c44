import { execFileSync } from "node:child_process"
import { closeSync, cpSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { Reaper } from "../fleet/reaper.ts"

const MIB = 1_048_576

/** A file system of its own in memory, small enough to be filled. */
export class SmallDisk {
  readonly path: string
  readonly #reaper: Reaper
  readonly #filler: string
  #mounted = true

  private constructor(path: string, reaper: Reaper) {
    this.path = path
    this.#reaper = reaper
    this.#filler = join(path, "filler")
  }

  /** @returns `null` where that is not allowed. */
  static mount(path: string, sizeMib: number, reaper: Reaper): SmallDisk | null {
    mkdirSync(path)
    try {
      const options = `size=${sizeMib}m,mode=0700`
      execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "ignore" })
    } catch {
      return null
    }
    reaper.mount(path)
    return new SmallDisk(path, reaper)
  }

  /** Leaves not a single block free. */
  fill(): void {
    const file = openSync(this.#filler, "w")
    try {
      for (const size of [MIB, 65_536, 4_096]) this.#fillBy(file, Buffer.alloc(size))
    } finally {
      closeSync(file)
    }
  }

  free(): void {
    rmSync(this.#filler, { force: true })
  }

  /** Copies what is on it beside it, for who looks into a failure; then it is gone. */
  keep(): void {
    this.free()
    cpSync(this.path, `${this.path}-kept`, { recursive: true })
  }

  unmount(): void {
    if (!this.#mounted) return
    this.#mounted = false
    execFileSync("umount", ["-l", this.path], { stdio: "ignore" })
    this.#reaper.forget(this.path)
  }

  #fillBy(file: number, block: Buffer): void {
    try {
      while (writeSync(file, block) === block.length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
    }
  }
}
