import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { DroverError } from "../errors/index.ts"
import { postgres } from "../postgres/index.ts"
import { sqlite } from "../sqlite/index.ts"
import type { StoreSource } from "../store/index.ts"
import { UsageError } from "./command.ts"
import { plainText } from "./plainText.ts"

// Commands ask one thing after the other.
const CONNECTIONS = 2
// A single letter and a colon begin a path on Windows.
const SCHEME = /^[a-z][a-z\d+.-]+:/i

/** How a database is named on a command line. */
export interface PlaceOptions {
  /** Where relative paths begin. */
  readonly cwd: string
  /** The option that names it, for messages. */
  readonly option: string
  /** Schema of the tables in Postgres. @default Drover's own */
  readonly schema?: string | undefined
  /** Whether a file must be there already: a misspelt name must not make an empty database. */
  readonly mustExist: boolean
  /**
   * Whether a name without a scheme is a file. Not where a database is made: "localhost/app" would become one.
   * @default false
   */
  readonly plainFile?: boolean
}

/**
 * Reads a database that a command line names: a file, `sqlite:FILE` or the address of a Postgres.
 * @throws UsageError for what is none of them, is refused, or must be there and is not.
 */
export function placeOf(place: string, options: PlaceOptions): StoreSource {
  const { cwd, option, schema, mustExist, plainFile = false } = options
  if (/^postgres(?:ql)?:/.test(place)) {
    const all = { url: place, max: CONNECTIONS, ...(schema !== undefined && { schema }) }
    return written(() => postgres(all))
  }
  const isPlain = plainFile && place !== "" && !SCHEME.test(place)
  const file = isPlain ? place : /^sqlite:(.+)$/.exec(place)?.[1]
  if (file === undefined) {
    const forms = `${plainFile ? "FILE, " : ""}sqlite:FILE or postgres://HOST/NAME`
    throw new UsageError(
      `${option}: "${plainText(withoutSecrets(place))}" is no place; write ${forms}`,
    )
  }
  const path = resolve(cwd, file)
  if (mustExist && !existsSync(path)) {
    const problem = `${option}: there is no file ${path}`
    throw new UsageError(problem, {
      cause: new DroverError("DROVER_CONFIG", problem, { details: { path } }),
    })
  }
  return written(() => sqlite(path))
}

// Places are read where the configuration is, and yet are written on the command line.
function written(make: () => StoreSource): StoreSource {
  try {
    return make()
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

// What was written may be an address with a password and a typing error.
function withoutSecrets(place: string): string {
  return place.replace(/\/\/[^@/]*@/, "//…@")
}
