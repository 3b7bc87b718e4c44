import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { openSync, readFileSync, closeSync } from "node:fs"
import { createInterface } from "node:readline"
import type { Readable } from "node:stream"
import { killAtExit } from "./postgresServer.ts"

/** What a call may say; which of it an operation reads is written in side.ts. */
export interface SideArguments {
  readonly count?: number
  readonly inFlight?: number
  readonly perSecond?: number
  readonly ms?: number
  readonly hold?: boolean
}

const CALL_MS = 900_000
const STOP_MS = 20_000
const EXIT_MS = 2000
const LOG_TAIL = 2000

/** A side's process as the benchmark sees it. */
export class SideProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #log: string
  readonly #waiting: Map<number, PromiseWithResolvers<unknown>> = new Map()
  readonly #ended: Promise<void>
  #calls = 0

  /** @param log file that takes what the process prints. */
  constructor(command: readonly string[], log: string) {
    const out = openSync(log, "a")
    const [program, ...words] = command
    this.#log = log
    this.#child = spawn(program!, words, { stdio: ["pipe", out, out, "pipe"] })
    closeSync(out)
    killAtExit(this.#child)
    const replies = createInterface({ input: this.#child.stdio[3] as Readable })
    replies.on("line", (line) => this.#reply(line))
    // It may be killed while we write to it.
    this.#child.stdin!.on("error", () => undefined)
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => this.#fail(error.message))
      this.#child.once("close", (code, signal) => {
        this.#fail(`the process ended with ${signal ?? code}`)
        resolve()
      })
    })
  }

  /** Asks the side for one operation. @throws Error with the side's own words, or the end of its log. */
  async call<Result = void>(op: string, words: SideArguments = {}, ms = CALL_MS): Promise<Result> {
    const id = ++this.#calls
    const waiting = Promise.withResolvers<unknown>()
    this.#waiting.set(id, waiting)
    const timer = setTimeout(() => waiting.reject(new Error(`no reply to ${op} in ${ms} ms`)), ms)
    this.#child.stdin!.write(`${JSON.stringify({ id, op, ...words })}\n`)
    try {
      return (await waiting.promise) as Result
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
    }
  }

  /** Sends a signal, and waits for nothing. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** As if the machine had lost power for this process alone. */
  async kill(): Promise<void> {
    this.signal("SIGKILL")
    await this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      await this.call("stop", {}, STOP_MS).catch(() => undefined)
      await Promise.race([this.#ended, new Promise((go) => setTimeout(go, EXIT_MS).unref())])
    }
    await this.kill()
  }

  #reply(line: string): void {
    const reply = JSON.parse(line) as { id: number; result?: unknown; error?: string }
    const waiting = this.#waiting.get(reply.id)
    if (reply.error === undefined) waiting?.resolve(reply.result)
    else waiting?.reject(new Error(reply.error))
  }

  #fail(reason: string): void {
    for (const waiting of this.#waiting.values()) {
      const tail = readFileSync(this.#log, "utf8").slice(-LOG_TAIL)
      waiting.reject(new Error(tail === "" ? reason : `${reason}:\n${tail}`))
    }
  }
}
