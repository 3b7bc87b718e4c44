import { existsSync, realpathSync, statSync } from "node:fs"
import { dirname, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"

/** What the program was asked to do. */
export interface Request {
  readonly root: string
  readonly out: string
  readonly db: string
  /** Names of folders that are not entered. */
  readonly skip: readonly string[]
  /** Paths below the root that are the program's own and change while it runs. */
  readonly own: readonly string[]
  /** Measure the same files without Drover too, and compare. */
  readonly compare: boolean
}

export const USAGE = `npm start -- [FOLDER] [--out inventory.csv] [--db inventory.db] [--skip NAME]… [--compare]

Lists every regular file below FOLDER (this project's own folder unless told otherwise, without node_modules
and .git) with its size, SHA-256, newlines and size after gzip. Kill it at any time and start it again with the
same --db: it goes on where it was. --compare then does the same without Drover and says what Drover cost.`

const PROJECT = fileURLToPath(new URL("../..", import.meta.url))
const PROJECT_SKIPS = ["node_modules", ".git"]

/** Reads the command line. @returns the request, or what is wrong with it. */
export function readRequest(words: readonly string[]): Request | string {
  let parsed
  try {
    parsed = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        out: { type: "string", default: "inventory.csv" },
        db: { type: "string", default: "inventory.db" },
        skip: { type: "string", multiple: true },
        compare: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    })
  } catch (error) {
    return (error as Error).message
  }
  const { values, positionals } = parsed
  if (values.help) return ""
  if (positionals.length > 1) return `one folder at a time, not ${positionals.length}`
  // npm runs scripts in the project's folder; names on its command line are meant from where the person is.
  const here = process.env["INIT_CWD"] ?? process.cwd()
  const given = positionals[0]
  const folder = given === undefined ? PROJECT : resolve(here, given)
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return `${folder} is not a folder`
  const root = realpathSync(folder)
  const out = resolve(here, values.out)
  const db = resolve(here, values.db)
  for (const path of [out, db]) {
    if (!existsSync(dirname(path))) return `${dirname(path)} is not a folder to write ${path} in`
  }
  return {
    root,
    out,
    db,
    skip: values.skip ?? (given === undefined ? PROJECT_SKIPS : []),
    own: [out, db, `${db}-wal`, `${db}-shm`].map((path) => relative(root, realParent(path))),
    compare: values.compare,
  }
}

// The root is a real path, so what lies below it must be compared as one.
function realParent(path: string): string {
  return resolve(realpathSync(dirname(path)), path.slice(dirname(path).length + 1))
}
