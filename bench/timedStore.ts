import type { StoreSource } from "drover"
import { sqlite } from "drover/sqlite"

/** A store that writes down how long each exchange took, in ms, from the call to its reply. */
export function timedStore(path: string): {
  readonly source: StoreSource
  readonly exchangeMs: number[]
} {
  const inner = sqlite(path)
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
