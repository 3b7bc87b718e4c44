import type { StoreSource } from "drover"
import { sqlite } from "drover/sqlite"

/** A store that writes down how long each exchange took, in ms, from the call to its reply. */
export interface TimedStore {
  readonly source: StoreSource
  readonly exchangeMs: number[]
}

/** SQLite, timed. */
export function timedStore(path: string): TimedStore {
  return timed(sqlite(path))
}

/** Any store, timed. */
export function timed(inner: StoreSource): TimedStore {
  const exchangeMs: number[] = []
  const source: StoreSource = {
    label: inner.label,
    connect(environment) {
      const store = inner.connect(environment)
      const exchange = store.exchange.bind(store)
      store.exchange = async (request) => {
        const start = performance.now()
        const reply = await exchange(request)
        exchangeMs.push(performance.now() - start)
        return reply
      }
      return store
    },
  }
  return { source, exchangeMs }
}
