import { compactSql, hasSeveralStatements } from "./scanSql.ts"

export interface NamedQuery {
  readonly name: string
  readonly sql: string
  /** `jobs.sql:12`, for messages. */
  readonly place: string
}

/** A `.sql` file that cannot be turned into TypeScript; the message says where and what to do. */
export class SqlgenError extends Error {
  override readonly name = "SqlgenError"
}

const MARKER = /^--\s*name:\s*(\S*)\s*$/
const NAME = /^[a-z][a-z0-9_]*$/

/**
 * Reads the queries of one file: `-- name: claim_jobs`, then comments that say who calls it, which index
 * serves it and what it must never do, then one statement.
 * @throws SqlgenError for a bad or missing name, an empty or uncommented query, or several statements.
 */
export function readQueries(file: string, text: string): NamedQuery[] {
  const lines = text.split(/\r?\n/)
  const markers = lines.flatMap((line, index) => {
    const name = MARKER.exec(line)?.[1]
    return name === undefined ? [] : [{ name, index }]
  })
  const beforeFirst = lines.slice(0, markers[0]?.index ?? lines.length).join("\n")
  if (compactSql(beforeFirst) !== "") {
    throw new SqlgenError(`${file}: SQL before the first "-- name:" line; give the query a name.`)
  }
  return markers.map(({ name, index }, position) => {
    const place = `${file}:${index + 1}`
    const body = lines.slice(index + 1, markers[position + 1]?.index ?? lines.length)
    const isExplained = isComment(lines[index - 1]) || isComment(body[0])
    return readQuery({ name, place, body: body.join("\n"), isExplained })
  })
}

function readQuery(query: {
  readonly name: string
  readonly place: string
  readonly body: string
  readonly isExplained: boolean
}): NamedQuery {
  const { name, place, body } = query
  if (!NAME.test(name)) {
    throw new SqlgenError(`${place}: bad query name "${name}"; use lower_snake_case.`)
  }
  if (!query.isExplained) {
    throw new SqlgenError(
      `${place}: query ${name} has no comment; say who calls it, which index serves it and what it must never do.`,
    )
  }
  const sql = compactSql(body)
  if (sql === "") throw new SqlgenError(`${place}: query ${name} is empty.`)
  if (hasSeveralStatements(body)) {
    // node:sqlite prepares the first statement and silently drops the rest.
    throw new SqlgenError(`${place}: query ${name} holds several statements; name each one.`)
  }
  return { name, sql, place }
}

function isComment(line: string | undefined): boolean {
  return line !== undefined && /^--\s*\S/.test(line) && !MARKER.test(line)
}

/** Throws when two queries of one store share a name. */
export function refuseDoubledNames(queries: readonly NamedQuery[]): void {
  const places = new Map<string, string>()
  for (const { name, place } of queries) {
    const first = places.get(name)
    if (first !== undefined) {
      throw new SqlgenError(`${place}: query ${name} is named already at ${first}.`)
    }
    places.set(name, place)
  }
}
