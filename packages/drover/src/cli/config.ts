import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { DroverOptions } from "../client/index.ts"
import { DroverError } from "../errors/index.ts"
import { UsageError } from "./command.ts"
import { placeOf } from "./place.ts"
import type { Terminal } from "./terminal.ts"

/** What `drover.config.ts` exports by default: the options of the client. */
export type Config = DroverOptions

/** The names under which a configuration is found. */
export const configNames: readonly string[] = [
  "drover.config.ts",
  "drover.config.mts",
  "drover.config.js",
  "drover.config.mjs",
]

/**
 * Finds and reads the configuration.
 * @param terminal its folder is where the search begins; it goes on in the folders above.
 * @param named a configuration file that was named, and a database that replaces one.
 * @throws UsageError when what was named is not there; DroverError `DROVER_CONFIG` when there is none, or it cannot be read.
 */
export async function loadConfig(
  terminal: Pick<Terminal, "cwd" | "enter">,
  named: { readonly config?: string | undefined; readonly db?: string | undefined },
): Promise<Config> {
  const from = terminal.cwd
  if (named.db !== undefined) {
    const options = { cwd: from, option: "--db", mustExist: true, plainFile: true }
    return { store: placeOf(named.db, options), jobs: [] }
  }
  const path = named.config === undefined ? findUpwards(from) : resolve(from, named.config)
  if (path === undefined || !existsSync(path)) {
    const problem = `${named.config ?? "drover.config.ts"}: not found in ${from} or above; run "drover init", or name a database with --db`
    const error = new DroverError("DROVER_CONFIG", problem, { details: { from } })
    throw named.config === undefined ? error : new UsageError(problem, { cause: error })
  }
  // `sqlite("app.db")` means the file beside the configuration, wherever the command was called.
  terminal.enter(dirname(path))
  return readConfig(path)
}

async function readConfig(path: string): Promise<Config> {
  let exported: { readonly default?: unknown }
  try {
    exported = (await import(pathToFileURL(path).href)) as { readonly default?: unknown }
  } catch (cause) {
    throw new DroverError(
      "DROVER_CONFIG",
      `${path}: cannot be loaded: ${String(cause)}${moduleAdvice(cause)}`,
      { details: { path }, cause },
    )
  }
  const config = exported.default
  if (typeof config === "object" && config !== null && "store" in config) return config as Config
  throw new DroverError(
    "DROVER_CONFIG",
    `${path}: must export its options by default, as in: export default defineConfig({ store: sqlite("app.db"), jobs: [] })`,
    { details: { path } },
  )
}

// What Node says of modules in a package of CommonJS, which is what `npm init` makes.
function moduleAdvice(cause: unknown): string {
  if (!(cause instanceof SyntaxError)) return ""
  if (!/outside a module|Unexpected token 'export'/.test(cause.message)) return ""
  return '; its package.json makes it CommonJS: write "type": "module" there, or name the files that import .mts'
}

function findUpwards(from: string): string | undefined {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    for (const name of configNames) {
      const path = join(folder, name)
      if (existsSync(path)) return path
    }
    if (dirname(folder) === folder) return undefined
  }
}
