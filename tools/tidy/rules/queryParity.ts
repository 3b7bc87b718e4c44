import { RUNTIME, storeRooms } from "../levels.ts"
import type { Repository } from "../repository.ts"
import type { Finding, Rule } from "../rule.ts"
import { readQueries, SqlgenError, type NamedQuery } from "../../sqlgen/readQueries.ts"

/** Both stores name their queries alike, one file per table, so that a reader can lay them side by side. */
export const queryParity: Rule = {
  name: "query-parity",
  mend: "Write the query in the other store's file of the same name, or give both the same name.",
  check(repository) {
    const stores = storeRooms
      .map((room) => ({ room, queries: queriesOf(repository, room) }))
      .filter(({ queries }) => queries.size > 0)
    return stores.flatMap(({ room, queries }) =>
      stores
        .filter((other) => other.room !== room)
        .flatMap((other) => missingIn(other, room, queries)),
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

function missingIn(
  other: { readonly room: string; readonly queries: ReadonlyMap<string, PlacedQuery> },
  room: string,
  queries: ReadonlyMap<string, PlacedQuery>,
): Finding[] {
  return [...queries.values()].flatMap(({ name, path, file, place }): Finding[] => {
    const twin = other.queries.get(name)
    if (twin?.file === file) return []
    const line = Number(place.slice(place.lastIndexOf(":") + 1))
    const message =
      twin === undefined
        ? `query ${name} of ${room} is missing in ${other.room}`
        : `query ${name} stands in ${file} here and in ${twin.file} in ${other.room}`
    return [{ path, line, message, item: name }]
  })
}
