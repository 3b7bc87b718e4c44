import { retry } from "drover/retry"
import pg from "pg"
import { startPostgres } from "../../packages/drover/src/postgres/fixtures/postgresServer.ts"
import type { PostgresServer } from "../../packages/drover/src/postgres/fixtures/postgresServer.ts"
import type { StoreAddress } from "../fleet/workerPlan.ts"
import type { StoredTerm } from "../history/runHistory.ts"
import type { Ground, UnheardJob } from "./ground.ts"
import { storedTerms, watchTerms } from "./termLog.ts"
import { TcpProxy } from "./tcpProxy.ts"

const CONNECTIONS = 90
const USER = "app"
const TRIES = 100

/** A Postgres server of the run's own, and a proxy in front of it for each process. */
export class PostgresGround implements Ground {
  readonly dialect = "postgres"
  readonly control: StoreAddress
  readonly missing: ReadonlyMap<string, string> = new Map()
  readonly server: PostgresServer
  readonly #proxies: Map<string, TcpProxy> = new Map()

  private constructor(server: PostgresServer) {
    this.server = server
    this.control = { dialect: "postgres", url: urlAt(server.port) }
  }

  static async start(): Promise<PostgresGround> {
    const server = await startPostgres({
      maxConnections: CONNECTIONS,
      settings: { log_min_messages: "warning", track_commit_timestamp: "on" },
    })
    const ground = new PostgresGround(server)
    await ground.query(`create role ${USER} login`)
    await ground.query(`grant create on database postgres to ${USER}`)
    return ground
  }

  async address(process: string): Promise<StoreAddress> {
    const proxy = await TcpProxy.open(this.server.port)
    this.#proxies.set(process, proxy)
    return { dialect: "postgres", url: urlAt(proxy.port) }
  }

  /** The way of one process. */
  proxy(process: string): TcpProxy | undefined {
    return this.#proxies.get(process)
  }

  proxies(): readonly TcpProxy[] {
    return [...this.#proxies.values()]
  }

  /** One statement of a superuser, past all proxies; a server that starts is waited for. */
  async query(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const ask = async (): Promise<readonly Row[]> => {
      await using client = await this.connect()
      return (await client.query<Row>(sql, [...values])).rows
    }
    return retry(ask, { base: 100, cap: 200, maxAttempts: TRIES })
  }

  /** A connection of its own. @param user the superuser unless told otherwise. */
  async connect(user = "postgres"): Promise<pg.Client & AsyncDisposable> {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: this.server.port,
      user,
      database: "postgres",
      application_name: "nemesis",
    })
    client.on("error", () => {})
    await client.connect()
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end().catch(() => {}) })
  }

  async measure(): Promise<Readonly<Record<string, number>>> {
    const [row] = await this.query(
      `select count(*)::int as connections, count(xact_start)::int as transactions
       from pg_stat_activity where usename = $1`,
      [USER],
    )
    return {
      connections: Number(row?.["connections"]),
      transactions: Number(row?.["transactions"]),
    }
  }

  carried(): number {
    return this.proxies().reduce((sum, proxy) => sum + proxy.sockets, 0)
  }

  watchTerms(): Promise<void> {
    return watchTerms(this)
  }

  storedTerms(): Promise<readonly StoredTerm[]> {
    return storedTerms(this)
  }

  /** As a trigger or another language would, and without a notification. */
  readonly enqueueUnheard = async ({ id, kind, input }: UnheardJob): Promise<void> => {
    const values = [kind, JSON.stringify(input), JSON.stringify({ id })]
    await this.query("select drover.enqueue($1::text, $2::jsonb, $3::jsonb)", values)
  }

  async integrity(): Promise<string> {
    const broken = await this.query(
      `select c.relname from pg_index i
       join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'drover' and not (i.indisvalid and i.indisready)`,
    )
    return broken.length === 0 ? "ok" : `invalid: ${broken.map((row) => row["relname"]).join(", ")}`
  }

  /** The jobs are in the store that the report was made from; the server's files go with it. */
  keep(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.proxies().map((proxy) => proxy.close()))
    await this.server[Symbol.asyncDispose]()
  }
}

/** What the driver asks the server about. */
export type Row = Readonly<Record<string, unknown>>

function urlAt(port: number): string {
  return `postgres://${USER}@127.0.0.1:${port}/postgres`
}
