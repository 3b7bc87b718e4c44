import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { connect as connectSocket } from "node:net"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PostgresServer } from "./postgresServer.ts"
import { RedisServer } from "./redisServer.ts"
import { SideProcess } from "./sideProcess.ts"
import type { System } from "./systems.ts"

const HERE = import.meta.dirname

/** The servers of a run, and what is installed. All of it is gone when the run ends. */
export class Lab implements AsyncDisposable {
  readonly postgres: PostgresServer
  readonly redis: RedisServer | null
  readonly folder: string
  /** Version of each library by name; what is missing has a reason in `missing`. */
  readonly versions: Map<string, string> = new Map()
  readonly missing: Map<string, string> = new Map()
  #worlds = 0

  private constructor(folder: string, postgres: PostgresServer, redis: RedisServer | null) {
    this.folder = folder
    this.postgres = postgres
    this.redis = redis
  }

  static async start(chosen: readonly System[]): Promise<Lab> {
    const folder = mkdtempSync(join(tmpdir(), "drover-peers-"))
    // Postgres may run as another user, who has to get through to its own folder.
    chmodSync(folder, 0o711)
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130))
    const postgres = await PostgresServer.start(folder)
    const redis = chosen.some(({ database }) => database === "redis")
      ? await RedisServer.start(folder)
      : null
    const lab = new Lab(folder, postgres, redis)
    for (const { library, side } of chosen) {
      if (!lab.versions.has(library)) lab.#find(library, side)
    }
    return lab
  }

  /** Why a system cannot take part, or `null`. */
  absence(system: System): string | null {
    if (system.database === "redis" && this.redis === null) return "there is no redis-server"
    if (system.library === "drover" && system.database === "postgres" && !hasDroverPostgres()) {
      return "drover/postgres is not there"
    }
    return this.missing.get(system.library) ?? null
  }

  /** A database of its own for one measurement of a system. */
  async world(system: System, profile: string = system.profile): Promise<World> {
    const number = ++this.#worlds
    const log = join(this.folder, `${number}-${system.name}.log`)
    return new World(this, system, profile, await this.#database(system, number), log)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.redis?.[Symbol.asyncDispose]()
    await this.postgres[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }

  command(system: System, spec: string): readonly string[] {
    if (system.side === "river") return [join(this.folder, "river"), spec]
    const file = join(HERE, "sides", `${system.side}.ts`)
    return [process.execPath, "--conditions=@drover/source", file, spec]
  }

  async #database(system: System, number: number): Promise<string> {
    switch (system.database) {
      case "postgres":
        return this.postgres.fresh(`world_${number}`)
      case "redis":
        await forgetAll(this.redis!.url)
        return this.redis!.url
      case "sqlite":
        return join(this.folder, `${number}.db`)
    }
  }

  #find(library: string, side: System["side"]): void {
    if (side === "river") return this.#buildRiver(library)
    if (library === "drover") return void this.versions.set(library, "of this checkout")
    const manifest = join(HERE, "node_modules", library, "package.json")
    if (!existsSync(manifest)) {
      return void this.missing.set(library, "not installed: cd bench/peers && npm ci")
    }
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string }
    this.versions.set(library, version)
  }

  #buildRiver(library: string): void {
    const cwd = join(HERE, "river")
    const built = spawnSync("go", ["build", "-o", join(this.folder, "river"), "."], {
      cwd,
      encoding: "utf8",
    })
    if (built.error !== undefined) return void this.missing.set(library, "there is no Go")
    if (built.status !== 0) {
      return void this.missing.set(library, `its program cannot be built: ${built.stderr.trim()}`)
    }
    const required = new RegExp(`^\\s*${library} (v\\S+)$`, "m")
    const version = required.exec(readFileSync(join(cwd, "go.mod"), "utf8"))?.[1] ?? "?"
    const go = spawnSync("go", ["env", "GOVERSION"], { cwd, encoding: "utf8" }).stdout.trim()
    this.versions.set(library, `${version} (${go})`)
  }
}

/** One database of one system, with the processes that use it. */
export class World implements AsyncDisposable {
  readonly system: System
  readonly connection: string
  readonly #lab: Lab
  readonly #profile: string
  readonly #log: string
  readonly #sides: SideProcess[] = []

  constructor(lab: Lab, system: System, profile: string, connection: string, log: string) {
    this.#lab = lab
    this.system = system
    this.#profile = profile
    this.connection = connection
    this.#log = log
  }

  /** A process of the system, up and connected. */
  async side(): Promise<SideProcess> {
    const spec = JSON.stringify({ connection: this.connection, profile: this.#profile })
    const side = new SideProcess(this.#lab.command(this.system, spec), this.#log)
    this.#sides.push(side)
    return side
  }

  /** As a database is that has been up for a while: vacuumed, analyzed, nothing waiting to be written. */
  async settle(): Promise<void> {
    if (this.system.database !== "postgres") return
    const name = new URL(this.connection).pathname.slice(1)
    await this.#lab.postgres.run(name, "vacuum analyze")
    await this.#lab.postgres.run(name, "checkpoint")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const side of this.#sides.toReversed()) await side[Symbol.asyncDispose]()
    if (this.system.database === "sqlite") {
      for (const end of ["", "-wal", "-shm"]) rmSync(this.connection + end, { force: true })
    } else if (this.system.database === "postgres") {
      const name = new URL(this.connection).pathname.slice(1)
      await this.#lab.postgres.run("postgres", `drop database if exists ${name} with (force)`)
    }
  }
}

function hasDroverPostgres(): boolean {
  try {
    return existsSync(createRequire(import.meta.url).resolve("drover/postgres"))
  } catch {
    return false
  }
}

async function forgetAll(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  const socket = connectSocket(Number(port), hostname)
  socket.write("FLUSHALL\r\n")
  const [reply] = (await once(socket, "data")) as [Buffer]
  socket.destroy()
  if (!reply.toString().startsWith("+OK")) throw new Error(`FLUSHALL: ${reply.toString()}`)
}
