import { DroverError } from "../errors/index.ts"
import type { Clock, Timer } from "../time/index.ts"
import { Connection } from "./connection.ts"
import type { ConnectionTools } from "./connection.ts"
import type { OwnPool, PgClient, PgConfig, PgModule, PgPool, PgPoolClient } from "./driver.ts"
import { connectFailure } from "./postgresErrors.ts"
import { ReservedConnection } from "./reservedConnection.ts"
import type { ReservedClient } from "./reservedConnection.ts"
import { sessionLimits, settleSession } from "./session.ts"

/** What a connection is for. Each purpose has connections of its own, so that none waits for another. */
export type ConnectionRole =
  /** Enqueue, claim, settle, questions. */
  | "work"
  /** Leases and leadership: one connection, kept. */
  | "control"
  /** Listening and telling: one connection, kept. */
  | "signal"
  /** What takes minutes: a connection that is made for it, so that it leaves those for work, of which there may be one. */
  | "long"

/** How long a connection may take to be there: made, or free again. */
export const CONNECT_MS = 5_000
/** How long a server may take to answer a goodbye. One that is cut off never does, and the system waits for minutes. */
const GOODBYE_MS = 2_000
const KEEP_ALIVE_MS = 30_000
const IDLE_MS = 60_000
const FEWEST_OF_USER = 4

/** Where the connections come from. */
export type ConnectionSupply =
  | { readonly kind: "own"; readonly url: string; readonly max: number }
  | { readonly kind: "user"; readonly pool: PgPool }

/** The connections of one store. */
export class Connections {
  readonly #tools: ConnectionTools
  readonly #driver: PgModule
  readonly #supply: ConnectionSupply
  readonly #pool: PgPool
  readonly #ownPool: OwnPool | undefined
  readonly #reserved: Readonly<Record<"control" | "signal", ReservedConnection>>
  readonly #guarded: WeakSet<PgClient> = new WeakSet()
  /** Those that we made and that have not ended. */
  readonly #own: Set<PgClient> = new Set()
  readonly #working: Set<PgClient> = new Set()
  readonly #onPooler: () => void
  #isPooled = false

  constructor(options: {
    readonly driver: PgModule
    readonly supply: ConnectionSupply
    readonly tools: ConnectionTools
    /** Called when a connection turns out to lead to a pooler. */
    onPooler(): void
  }) {
    this.#driver = options.driver
    this.#tools = options.tools
    this.#supply = options.supply
    this.#onPooler = options.onPooler
    if (options.supply.kind === "own") {
      this.#ownPool = new options.driver.Pool({
        ...this.#config("work"),
        max: options.supply.max,
        idleTimeoutMillis: IDLE_MS,
        // A program that has nothing left to do ends, also if it forgot to close: on SQLite it does.
        allowExitOnIdle: true,
        onConnect: (client) => this.#settle(client, "work"),
      })
      this.#pool = this.#ownPool
    } else {
      this.#pool = options.supply.pool
      refuseSmall(this.#pool)
    }
    // Without a listener an error of an idle connection would end the process.
    this.#pool.on("error", ignore)
    const reserve = (role: "control" | "signal"): ReservedConnection =>
      new ReservedConnection(() => this.#makeApart(role), this.#tools)
    this.#reserved = { control: reserve("control"), signal: reserve("signal") }
  }

  /** Whether the limits of the session are ours; else each transaction sets its own. */
  get hasSessions(): boolean {
    return this.#supply.kind === "own" && !this.#isPooled
  }

  /** Whether a connection was found to lead to a pooler. */
  get isPooled(): boolean {
    return this.#isPooled
  }

  /** The reserved connection that listens. */
  get signal(): ReservedConnection {
    return this.#reserved.signal
  }

  /** Runs the body with a connection of its own until it ends. @throws what it throws, or `ConnectionFailure` ("unsent"). */
  use<T>(
    role: ConnectionRole,
    deadlineMs: number,
    body: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    if (role === "work") return this.#work(deadlineMs, body)
    if (role === "long") return this.#apart(deadlineMs, body)
    return this.#reserved[role].use(deadlineMs, body)
  }

  /** Ends what is ours, in bounded time. The user's pool stays. */
  async close(): Promise<void> {
    const { clock } = this.#tools
    let cut = Promise.withResolvers<void>()
    let timer: Timer
    const later = (): Timer =>
      clock.setTimer(GOODBYE_MS, () => {
        this.#cutOff()
        cut.resolve()
        cut = Promise.withResolvers()
        // Those that worked until now say their goodbye only then.
        timer = later()
      })
    timer = later()
    try {
      await Promise.all([this.#reserved.control.close(), this.#reserved.signal.close()])
      await this.#ownPool?.end()
      // A pool does not wait for the goodbyes of its clients.
      const gone = Promise.all(Array.from(this.#own, (client) => ended(client)))
      await Promise.race([gone, cut.promise])
    } finally {
      timer.cancel()
    }
    this.#pool.off("error", ignore)
  }

  // What still works has a deadline of its own, and is destroyed by that.
  #cutOff(): void {
    for (const client of this.#own)
      if (!this.#working.has(client)) client.connection?.stream?.destroy()
  }

  async #work<T>(deadlineMs: number, body: (connection: Connection) => Promise<T>): Promise<T> {
    const client = await this.#take()
    const connection = new Connection(client, this.#tools, deadlineMs)
    this.#working.add(client)
    try {
      return await body(connection)
    } finally {
      this.#working.delete(client)
      client.release(connection.broken === undefined ? undefined : (connection.broken as Error))
    }
  }

  async #take(): Promise<PgPoolClient> {
    const pending = this.#pool.connect()
    try {
      const client = await within(this.#tools.clock, CONNECT_MS, pending)
      this.#guard(client)
      return client
    } catch (error) {
      // One that comes after all goes back at once.
      void pending.then((late) => late.release(), ignore)
      throw connectFailure(error)
    }
  }

  async #apart<T>(deadlineMs: number, body: (connection: Connection) => Promise<T>): Promise<T> {
    const { client, end } = await this.#makeApart("long")
    this.#working.add(client)
    try {
      return await body(new Connection(client, this.#tools, deadlineMs))
    } finally {
      this.#working.delete(client)
      // Nobody waits for its goodbye but `close`.
      void end().catch(ignore)
    }
  }

  async #makeApart(role: "control" | "signal" | "long"): Promise<ReservedClient> {
    if (this.#supply.kind === "user") {
      const client = await this.#take()
      try {
        await this.#settle(client, role)
      } catch (error) {
        client.release(true)
        throw connectFailure(error)
      }
      // Destroyed at the end, because its session has been set.
      return { client, end: async () => client.release(true) }
    }
    const client = new this.#driver.Client(this.#config(role))
    this.#guard(client)
    try {
      await within(this.#tools.clock, CONNECT_MS, client.connect())
      await this.#settle(client, role)
    } catch (error) {
      void client.end().catch(ignore)
      throw connectFailure(error)
    }
    return { client, end: () => client.end() }
  }

  async #settle(client: PgClient, role: ConnectionRole): Promise<void> {
    const { texts, types, clock } = this.#tools
    this.#guard(client)
    if (this.#supply.kind === "own") this.#keep(client)
    const synchronousCommit = role === "signal" ? "off" : null
    const settled = settleSession(client, {
      texts,
      types,
      limits: sessionLimits,
      synchronousCommit,
    })
    if (await within(clock, CONNECT_MS, settled)) return
    if (this.#isPooled) return
    this.#isPooled = true
    this.#onPooler()
  }

  #guard(client: PgClient): void {
    if (this.#guarded.has(client)) return
    this.#guarded.add(client)
    client.on("error", ignore)
  }

  #keep(client: PgClient): void {
    this.#own.add(client)
    client.on("end", () => this.#own.delete(client))
  }

  #config(role: ConnectionRole): PgConfig {
    return {
      connectionString: this.#supply.kind === "own" ? this.#supply.url : "",
      application_name: `drover:${role}:${process.pid}`,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    }
  }
}

function ended(client: PgClient): Promise<void> {
  return new Promise((resolve) => client.on("end", resolve))
}

function refuseSmall(pool: PgPool): void {
  const { options } = pool as { options?: { max?: unknown } }
  const max = options?.max
  if (typeof max !== "number" || max >= FEWEST_OF_USER) return
  throw new DroverError(
    "DROVER_CONFIG",
    `postgres(): the pool has at most ${max} connections; Drover keeps two of them for itself, so give it ${FEWEST_OF_USER} or more.`,
    { details: { max } },
  )
}

/** Rejects when the promise takes longer. */
function within<T>(clock: Clock, limitMs: number, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = clock.setTimer(limitMs, () => {
      reject(new Error(`no connection within ${limitMs} ms`))
    })
    promise.then(
      (value) => {
        timer.cancel()
        resolve(value)
      },
      (error: unknown) => {
        timer.cancel()
        reject(error as Error)
      },
    )
  })
}

function ignore(): void {}
