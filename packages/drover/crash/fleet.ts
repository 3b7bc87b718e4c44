import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { systemClock } from "../src/time/index.ts"
import type { Plan } from "./plan.ts"

/** How a process ended, and when. */
export interface Death {
  readonly pid: number
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly mono: number
  /** By the wall clock, which the store's clock follows. */
  readonly at: number
}

/** A program started by the driver. */
export class Program {
  readonly pid: number
  readonly ready: Promise<void>
  readonly death: Promise<Death>
  readonly #child: ChildProcess

  constructor(name: string, plan: Plan, crashAt?: string) {
    const program = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url))
    const env = { ...process.env, DROVER_CRASH_PLAN: JSON.stringify(plan) }
    this.#child = spawn(process.execPath, ["--conditions=@drover/source", program], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: crashAt === undefined ? env : { ...env, DROVER_CRASH_AT: crashAt },
    })
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`${name} could not be started`)
    this.pid = pid
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
          : reject(new Error(`${name} ended with code ${code}`)),
      )
    })
    this.ready.catch(() => {})
  }

  /** Sends a real signal. Whether it still arrives does not matter to anybody. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
