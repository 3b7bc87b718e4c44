import { Connection } from "./connection.ts"
import type { ConnectionTools } from "./connection.ts"
import type { PgClient } from "./driver.ts"
import { ConnectionFailure } from "./postgresErrors.ts"

/** A client that is kept, and how to be rid of it. */
export interface ReservedClient {
  readonly client: PgClient
  end(): Promise<void>
}

/**
 * One connection that is made when it is first needed and made anew after it broke. Its users take turns. While nobody
 * has it, it does not keep the process from ending: what waits for notifications has timers of its own.
 */
export class ReservedConnection {
  readonly #make: () => Promise<ReservedClient>
  readonly #tools: ConnectionTools
  #held: ReservedClient | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #isUsed = false
  #isClosed = false

  constructor(make: () => Promise<ReservedClient>, tools: ConnectionTools) {
    this.#make = make
    this.#tools = tools
  }

  /** Runs the body when those before it are done. @throws what it throws, or `ConnectionFailure` ("unsent"). */
  use<T>(deadlineMs: number, body: (connection: Connection) => Promise<T>): Promise<T> {
    this.#isUsed = true
    const turn = this.#turn.then(() => this.#run(deadlineMs, body))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Whether anybody ever asked for it. */
  get isUsed(): boolean {
    return this.#isUsed
  }

  /** Waits for those who have it, then ends it. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#turn
    await this.#drop()
  }

  async #run<T>(deadlineMs: number, body: (connection: Connection) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new ConnectionFailure("the store is closing", "unsent")
    this.#held ??= await this.#open()
    const { client } = this.#held
    const connection = new Connection(client, this.#tools, deadlineMs)
    client.ref?.()
    try {
      return await body(connection)
    } finally {
      if (connection.broken !== undefined) void this.#drop()
      else client.unref?.()
    }
  }

  async #open(): Promise<ReservedClient> {
    const held = await this.#make()
    held.client.on("end", () => {
      if (this.#held === held) this.#held = undefined
    })
    return held
  }

  async #drop(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    if (held === undefined) return
    // Its goodbye is waited for.
    held.client.ref?.()
    await held.end().catch(() => undefined)
  }
}
