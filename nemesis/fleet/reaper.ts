import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"

const PROGRAM = fileURLToPath(new URL("../programs/reaper.ts", import.meta.url))

/**
 * Sees to it that nothing outlives the driver: a small process that holds the other end of a pipe and, when this one
 * closes, kills and unmounts what it was told of. It works also when the driver is killed.
 */
export class Reaper {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>

  constructor() {
    this.#child = spawn(process.execPath, [PROGRAM], {
      stdio: ["pipe", "ignore", "inherit"],
      detached: true,
    })
    this.#child.stdin?.on("error", () => {})
    this.#ended = new Promise((resolve) => this.#child.once("exit", () => resolve()))
  }

  process(pid: number): void {
    this.#tell(`process ${pid}`)
  }

  mount(path: string): void {
    this.#tell(`mount ${path}`)
  }

  forget(what: number | string): void {
    this.#tell(`forget ${what}`)
  }

  /** Lets it do its work and waits for it. */
  async close(): Promise<void> {
    this.#child.stdin?.end()
    await this.#ended
  }

  #tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }
}
