import { assert } from "../errors/index.ts"
import type { Clock } from "../time/index.ts"
import type { PgClient, PgResult, PgTypes } from "./driver.ts"
import { ConnectionFailure, isLost, isReadOnly, sqlState } from "./postgresErrors.ts"
import type { QueryName, StatementTexts } from "./statementTexts.ts"
import type { BoundValue, Row } from "./values.ts"

/** What all connections of a store share. */
export interface ConnectionTools {
  readonly clock: Clock
  readonly types: PgTypes
  readonly texts: StatementTexts
  /** Whether statements are prepared by name now. */
  isPrepared(): boolean
}

/**
 * A connection while one operation has it. Queries are named (`sql/*.sql`); rows are arrays. A query that is not
 * answered in time ends the connection: a late answer must never be taken for that of a later query.
 */
export class Connection {
  readonly #client: PgClient
  readonly #tools: ConnectionTools
  readonly #deadlineMs: number
  #broken: unknown
  #sent = 0

  constructor(client: PgClient, tools: ConnectionTools, deadlineMs: number) {
    this.#client = client
    this.#tools = tools
    this.#deadlineMs = deadlineMs
  }

  /** Why the connection must not be used again; `undefined` while it may. */
  get broken(): unknown {
    return this.#broken
  }

  /** The client of `pg`, for the statements of a user's own body. */
  get client(): PgClient {
    return this.#client
  }

  /** The connection must not be used again, although the server may think well of it. */
  giveUp(error: unknown): void {
    this.#broken ??= error
  }

  /** Rows of a named query. @throws an error of the server as `pg` made it, or `ConnectionFailure`. */
  async query(name: QueryName, values: readonly BoundValue[] = []): Promise<readonly Row[]> {
    const statement = this.#tools.texts.named(name)
    const result = await this.#send(
      statement.text,
      values,
      this.#tools.isPrepared() ? statement.name : undefined,
    )
    return result.rows as readonly Row[]
  }

  /** Runs a named query. @returns how many rows it changed. */
  async run(name: QueryName, values: readonly BoundValue[] = []): Promise<number> {
    const statement = this.#tools.texts.named(name)
    const result = await this.#send(
      statement.text,
      values,
      this.#tools.isPrepared() ? statement.name : undefined,
    )
    return result.rowCount ?? 0
  }

  /** Rows of a named query that is planned anew each time: for rare questions, whose plan is not worth keeping. */
  async ask(name: QueryName, values: readonly BoundValue[] = []): Promise<readonly Row[]> {
    return this.text(this.#tools.texts.named(name).text, values)
  }

  /** Rows of a statement whose text was made at run time from constant parts. `{schema}` is put in. */
  async text(sql: string, values: readonly BoundValue[] = []): Promise<readonly Row[]> {
    const result = await this.#send(this.#tools.texts.made(sql), values, undefined)
    return result.rows as readonly Row[]
  }

  /** Runs statements without values, several at once. `{schema}` is put in. @returns the last one's command tag. */
  async execute(sql: string): Promise<string | undefined> {
    const results = await this.#guard(() => this.#client.query(this.#tools.texts.made(sql)))
    const last = Array.isArray(results) ? (results.at(-1) as unknown) : results
    return (last as { command?: string } | undefined)?.command
  }

  #send(text: string, values: readonly BoundValue[], name: string | undefined): Promise<PgResult> {
    const { types } = this.#tools
    const query = { text, values: values as unknown[], rowMode: "array", types } as const
    return this.#guard(() => this.#client.query(name === undefined ? query : { ...query, name }))
  }

  async #guard<T>(send: () => Promise<T>): Promise<T> {
    if (this.#broken !== undefined) {
      throw new ConnectionFailure("the connection was lost", "unsent", { cause: this.#broken })
    }
    assert(this.#sent === 0, "one query at a time on a connection")
    this.#sent++
    const answer = send()
    try {
      return await this.#inTime(answer)
    } catch (error) {
      throw this.#judge(error)
    } finally {
      this.#sent--
    }
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    const { clock } = this.#tools
    return new Promise<T>((resolve, reject) => {
      const timer = clock.setTimer(this.#deadlineMs, () => {
        const message = `no answer within ${this.#deadlineMs} ms`
        reject(new ConnectionFailure(message, "sent", { isDeadline: true }))
      })
      answer.then(
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

  #judge(error: unknown): unknown {
    // What the server refused says so; everything else is the connection's end.
    const judged =
      error instanceof ConnectionFailure || sqlState(error) !== undefined
        ? error
        : new ConnectionFailure((error as Error).message, "sent", { cause: error })
    // A session that takes no writes may be what a failover left behind: the next one leads to whoever takes them now.
    if (isLost(judged) || isReadOnly(judged)) this.#broken = judged
    return judged
  }
}
