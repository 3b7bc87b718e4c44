import { spawn, spawnSync } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { freePort, killAtExit } from "./postgresServer.ts"

/**
 * Nothing is written to disk: the fastest that Redis can be, and less than every database here promises.
 */
export const redisSettings = [
  "--save",
  "",
  "--appendonly",
  "no",
  "--maxmemory-policy",
  "noeviction",
]

const START_MS = 10_000

/** A Redis of this run alone. */
export class RedisServer implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly url: string
  readonly version: string

  private constructor(child: ChildProcess, url: string, version: string) {
    this.#child = child
    this.url = url
    this.version = version
  }

  /** @returns `null` where there is no `redis-server`. */
  static async start(folder: string): Promise<RedisServer | null> {
    const told = spawnSync("redis-server", ["--version"], { encoding: "utf8" })
    if (told.error !== undefined) return null
    const data = join(folder, "redis")
    mkdirSync(data)
    const port = await freePort()
    const words = ["--port", String(port), "--bind", "127.0.0.1", "--dir", data, ...redisSettings]
    const child = spawn("redis-server", words, { stdio: "ignore" })
    killAtExit(child)
    await answering(port, child)
    const version = /v=([\d.]+)/.exec(told.stdout)?.[1] ?? "?"
    return new RedisServer(child, `redis://127.0.0.1:${port}`, version)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill("SIGTERM")
    await once(this.#child, "exit")
  }
}

async function answering(port: number, child: ChildProcess): Promise<void> {
  const until = performance.now() + START_MS
  for (;;) {
    const socket = connect(port, "127.0.0.1")
    try {
      await once(socket, "connect")
      return
    } catch (error) {
      if (performance.now() > until || child.exitCode !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      socket.destroy()
    }
  }
}
