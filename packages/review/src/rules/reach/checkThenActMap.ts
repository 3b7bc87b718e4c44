/** How far check-then-act-map sees. */
import type { Reach } from "../rule.ts"

export const checkThenActMapReach: Reach = {
  sees: [
    "Maps and sets that are fields of a class or variables of a module, of Go's package, or of a function around the one that asks.",
    "In Go `_, ok := m[key]`, a comparison with nil and `sync.Map`'s `Load`; and a collection that is searched in a loop under one lock and added to under the next.",
    "In Python `in`, `not in` and `get`; in TypeScript `has`, `get`, `includes`, an index, and `map.get(key) ?? await make(key)`.",
    "In Java and Kotlin `containsKey`, `contains`, `get` against null, `?:` and `?.let`, a `putIfAbsent` whose answer nobody looks at, and `put(key, get(key) + 1)` on concurrent maps (also Go's `Store` of a `Load`).",
    "Where one thread hands over (TypeScript, asyncio, Kotlin's coroutines): an await between the two, when something is made in it or the second caller is turned away; also in an awaited function of the same file that puts the key in.",
    "Threads, where something shows them: a concurrent map, a lock around one of the two or around the map elsewhere, a singleton of Spring, CDI or EJB, in Go a handler of HTTP or a goroutine of the file.",
  ],
  misses: [
    "Maps that are parameters or that another module exports.",
    "A check and an insertion that spell the key in two ways.",
    "Among threads, an insertion in another function than the check.",
  ],
}
