import { RUNTIME, storeRooms } from "../levels.ts"
import type { Repository } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { readQueries, SqlgenError, type NamedQuery } from "../../sqlgen/readQueries.ts"

/**
 * A query that both stores have stands in the file of the same name, so that a reader can lay them side by side. Each
 * also has queries of its own: what takes one of them a statement takes the other several.
 */
export const queryParity: Rule = {
  name: "query-parity",
  mend: "Move one of the two to the file of the same name, or give it another name.",
  check(repository) {
    const stores = storeRooms
      .map((room) => ({ room, queries: queriesOf(repository, room) }))
      .filter(({ queries }) => queries.size > 0)
    return stores.flatMap(({ room, queries }) =>
      stores.filter((other) => other.room !== room).flatMap((other) => misplacedIn(other, queries)),
    )
  },
}

interface PlacedQuery extends NamedQuery {
  /** The file inside `sql/`, and its full path. */
  readonly file: string
  readonly path: string
}

function queriesOf(repository: Repository, room: string): Map<string, PlacedQuery> {
  const folder = `${RUNTIME}${room}/sql/`
  const found = new Map<string, PlacedQuery>()
  for (const { path, text } of repository.files) {
    if (!path.startsWith(folder) || !path.endsWith(".sql")) continue
    for (const query of readableQueries(path, text)) {
      found.set(query.name, { ...query, path, file: path.slice(folder.length) })
    }
  }
  return found
}

/** A file that cannot be read has no names to compare; `npm run sqlgen` says what is wrong with it. */
function readableQueries(path: string, text: string): NamedQuery[] {
  try {
    return readQueries(path, text)
  } catch (error) {
    if (error instanceof SqlgenError) return []
    throw error
  }
}

function misplacedIn(
  other: { readonly room: string; readonly queries: ReadonlyMap<string, PlacedQuery> },
  queries: ReadonlyMap<string, PlacedQuery>,
): Finding[] {
  return [...queries.values()].flatMap(({ name, path, file, place }): Finding[] => {
    const twin = other.queries.get(name)
    if (twin === undefined || twin.file === file) return []
    const line = Number(place.slice(place.lastIndexOf(":") + 1))
    const message = `query ${name} stands in ${file} here and in ${twin.file} in ${other.room}`
    return [{ path, line, message, item: name }]
  })
}
