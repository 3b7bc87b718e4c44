import { spawn } from "node:child_process"
import type { ChildProcess, StdioOptions } from "node:child_process"
import { systemClock } from "../src/time/index.ts"

/** How a process ended, and when. */
export interface Death {
  readonly pid: number
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly mono: number
  /** By the wall clock, which the store's clock follows. */
  readonly at: number
}

/** How a program is started. */
export interface ProgramOptions {
  /** Added to this process's environment. */
  readonly env: Readonly<Record<string, string>>
  /** The last place must be "ipc". @default output goes where this process's goes */
  readonly stdio?: StdioOptions
  /** In a process group of its own, so that a Ctrl-C at the terminal reaches the driver alone. @default false */
  readonly detached?: boolean
}

/** A TypeScript program that a driver started, and that says "ready" when it is at work. */
export class Program {
  readonly pid: number
  readonly ready: Promise<void>
  readonly death: Promise<Death>
  readonly #child: ChildProcess

  /** @param file path of the program. */
  constructor(file: string, { env, stdio, detached = false }: ProgramOptions) {
    this.#child = spawn(process.execPath, ["--conditions=@drover/source", file], {
      stdio: stdio ?? ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, ...env },
      detached,
    })
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`${file} could not be started`)
    this.pid = pid
    // A message to a process that just died; what happened to it is in `death`.
    this.#child.on("error", () => {})
    this.death = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        const mono = systemClock.monotonic()
        resolve({ pid, code, signal, mono, at: systemClock.now() })
      })
    })
    this.ready = new Promise((resolve, reject) => {
      this.#child.once("message", () => resolve())
      // One that dies before it is ready was killed early; whoever asks sees it in `death`.
      this.#child.once("exit", (code) =>
        code === 0 || code === null
          ? resolve()
          : reject(new Error(`${file} ended with code ${code}`)),
      )
    })
    this.ready.catch(() => {})
  }

  /** Sends a real signal. Whether it still arrives does not matter to anybody. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Calls back for every message of the program, "ready" included. */
  onMessage(listener: (message: unknown) => void): void {
    this.#child.on("message", listener)
  }

  /** Tells the program something; lost when it has gone. */
  tell(message: object): void {
    if (this.#child.connected) this.#child.send(message, () => {})
  }
}
