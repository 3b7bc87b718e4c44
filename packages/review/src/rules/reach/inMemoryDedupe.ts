/** How far in-memory-dedupe sees. */
import type { Reach } from "../rule.ts"

export const inMemoryDedupeReach: Reach = {
  sees: [
    "Sets and maps that outlive the call, named after what was done (`processed`, `handled`, `seenIds`, `delivered`, `recentEvents`, `dedupe`), or asked for the value of an Idempotency-Key header.",
    "All forms: asked and filled in one function, asked by filling (`add`, `putIfAbsent`, `LoadOrStore`), and two functions of which one asks and the other adds.",
    "Collections of the language and of the process: Go's maps and `sync.Map`, Python's sets, dicts and deques, Set and Map, those of the JVM, caches with a limit or an age.",
    "Where repetitions come from: consumers of brokers, handlers of requests, and names of webhooks, callbacks, consumers and listeners.",
    "A shared store in the same function: Redis, databases, ORMs, Dynamo, memcached, etcd, by their names.",
  ],
  misses: [
    "Collections under names that say nothing of it.",
    "A shared store that another function asks, before or behind this one.",
    "Files of JSX and TSX, and examples.",
  ],
}
