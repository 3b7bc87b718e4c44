import { checkOptions, DroverError } from "../errors/index.ts"
import type { ConnectionSupply } from "./connections.ts"
import type { DatabaseOptions } from "./database.ts"
import type { PgPool } from "./driver.ts"
import { checkSchemaName, DEFAULT_SCHEMA } from "./schemaName.ts"

/** What `postgres()` may be told. */
export interface PostgresOptions {
  /** Address of the database: `postgres://user:password@host:5432/name`, with the parameters that `pg` knows. */
  readonly url?: string
  /**
   * The application's own pool of `pg`, instead of `url`. Two of its connections are kept for leases and for
   * notifications; the pool is not ended when the store closes.
   */
  readonly pool?: PgPool
  /** The schema of Drover's tables, made by the first migration. @default "drover" */
  readonly schema?: string
  /**
   * Most connections for work, beside one for leases, one for notifications and, on the leader, one while it rebuilds an
   * index; not with `pool`. @default 10
   */
  readonly max?: number
  /** Whether statements are prepared by name; `false` for old poolers, which lose them. @default true */
  readonly prepare?: boolean
  /** Whether changes are told with NOTIFY; `false` finds them by polling alone. @default true */
  readonly notify?: boolean
}

const NAMES = ["url", "pool", "schema", "max", "prepare", "notify"] as const
const MOST_CONNECTIONS = 1_000

/** Checks what `postgres()` was told. @throws DroverError `DROVER_CONFIG`, without the address. */
export function resolveOptions(given: string | PostgresOptions): {
  readonly label: string
  readonly options: DatabaseOptions
} {
  const options: PostgresOptions = typeof given === "string" ? { url: given } : given
  checkOptions(options, NAMES, "postgres()")
  const { url, pool, max, prepare = true, notify = true } = options
  const schema = checkSchemaName(options.schema ?? DEFAULT_SCHEMA)
  checkFlag("prepare", prepare)
  checkFlag("notify", notify)
  if ((url === undefined) === (pool === undefined)) {
    throw refusal("give either `url` or `pool`")
  }
  const supply = pool === undefined ? ownSupply(url, max) : userSupply(pool, max)
  const place = supply.kind === "own" ? placeOf(supply.url) : "your pool"
  return {
    label: schema === DEFAULT_SCHEMA ? place : `${place} (schema ${schema})`,
    options: { supply, schema, prepare, notify },
  }
}

function ownSupply(url: unknown, max: unknown = 10): ConnectionSupply {
  if (typeof url !== "string" || !/^(?:postgres(?:ql)?|socket):/.test(url)) {
    throw refusal("`url` is an address such as postgres://user:password@host:5432/name")
  }
  const isCount = typeof max === "number" && Number.isSafeInteger(max)
  if (!isCount || max < 1 || max > MOST_CONNECTIONS) {
    throw refusal(`\`max\` is a whole number from 1 to ${MOST_CONNECTIONS}`)
  }
  // Parsed here, because the error of the platform would carry the address with its password.
  if (!url.startsWith("socket:") && !URL.canParse(url.replace(/@\//, "@localhost/"))) {
    throw refusal("`url` cannot be read; percent-encode what is special in the password")
  }
  return { kind: "own", url, max }
}

function userSupply(pool: PgPool, max: unknown): ConnectionSupply {
  if (max !== undefined) throw refusal("`max` belongs to `url`; your pool has its own")
  if (typeof pool !== "object" || pool === null || typeof pool.connect !== "function") {
    throw refusal("`pool` is a Pool of pg")
  }
  return { kind: "user", pool }
}

function checkFlag(name: string, value: unknown): void {
  if (typeof value !== "boolean") throw refusal(`\`${name}\` is true or false`)
}

/** The address without user, password and parameters. */
function placeOf(url: string): string {
  if (url.startsWith("socket:")) return "postgres (socket)"
  const { host, pathname } = new URL(url.replace(/@\//, "@localhost/"))
  return `postgres://${decodeURIComponent(host)}${pathname}`
}

function refusal(what: string): DroverError {
  return new DroverError("DROVER_CONFIG", `postgres(): ${what}.`)
}
