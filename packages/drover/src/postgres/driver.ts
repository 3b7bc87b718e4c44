import { DroverError } from "../errors/index.ts"

/** The shapes of `pg` that this room uses, so that nobody needs its types who does not use it. */
export interface PgQuery {
  readonly text: string
  readonly values?: unknown[]
  /** Prepares the statement under this name, once for each connection. */
  readonly name?: string
  readonly rowMode: "array"
  readonly types: PgTypes
}

/** How values of the wire become values of JavaScript. */
export interface PgTypes {
  getTypeParser(oid: number, format?: string): (value: string) => unknown
}

export interface PgResult {
  readonly rows: readonly (readonly unknown[])[]
  readonly rowCount: number | null
}

export interface PgNotification {
  readonly processId: number
  readonly channel: string
  readonly payload?: string | undefined
}

/** A connection of `pg`. */
export interface PgClient {
  query(query: PgQuery): Promise<PgResult>
  query(text: string): Promise<unknown>
  on(event: "error", listener: (error: Error) => void): unknown
  on(event: "notification", listener: (message: PgNotification) => void): unknown
  on(event: "end", listener: () => void): unknown
  /** Lets the connection keep the process from ending, or not. Not there in every driver. */
  ref?(): void
  unref?(): void
  /** What it is made of: the only way to be rid of one that gets no answer to its goodbye. Not there in every driver. */
  readonly connection?: { readonly stream?: { destroy(): unknown } }
}

/** A client that was taken from a pool. */
export interface PgPoolClient extends PgClient {
  /** Gives it back; with an error it is destroyed instead. */
  release(destroy?: Error | boolean): void
}

/** A pool of `pg`, as users pass their own. */
export interface PgPool {
  connect(): Promise<PgPoolClient>
  on(event: "error", listener: (error: Error) => void): unknown
  off(event: "error", listener: (error: Error) => void): unknown
  readonly totalCount: number
  readonly idleCount: number
  readonly waitingCount: number
}

/** A pool of our own, which we also end. */
export interface OwnPool extends PgPool {
  end(): Promise<void>
}

/** A client of our own. */
export interface OwnClient extends PgClient {
  connect(): Promise<unknown>
  end(): Promise<void>
}

/** What we tell `pg` about a connection. */
export interface PgConfig {
  readonly connectionString: string
  readonly application_name: string
  readonly connectionTimeoutMillis: number
  readonly keepAlive: boolean
  readonly keepAliveInitialDelayMillis: number
  readonly max?: number
  readonly idleTimeoutMillis?: number
  readonly allowExitOnIdle?: boolean
  readonly onConnect?: (client: PgClient) => Promise<void>
}

/** The part of the module `pg` that this room uses. */
export interface PgModule {
  readonly Pool: new (config: PgConfig) => OwnPool
  readonly Client: new (config: PgConfig) => OwnClient
  readonly types: PgTypes
}

// A variable, so that bundlers leave the optional package alone.
const PACKAGE = "pg"
const OLDEST = [8, 23] as const

/**
 * Loads `pg`, which only users of Postgres install.
 * @throws DroverError `DROVER_CONFIG` when it is missing.
 */
export async function loadDriver(
  load: () => Promise<unknown> = () => import(PACKAGE),
): Promise<PgModule> {
  try {
    const module = (await load()) as { readonly default?: PgModule } & PgModule
    return module.default ?? module
  } catch (error) {
    if (!isMissing(error)) throw error
    const message = `drover/postgres needs the package pg (${OLDEST.join(".")} or newer), which is not installed: npm install pg`
    throw new DroverError("DROVER_CONFIG", message, { details: { package: PACKAGE }, cause: error })
  }
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error as { code?: unknown }).code === "ERR_MODULE_NOT_FOUND" &&
    error.message.includes(`'${PACKAGE}'`)
  )
}
