import type { Store } from "../src/store/index.ts"

/** A store of which some operations are replaced; nothing in the product knows of it. */
export function overStore(store: Store, instead: Partial<Store>): Store {
  return new Proxy(store, {
    get(target, name) {
      const own: unknown = Reflect.get(instead, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === "function" ? (value.bind(target) as unknown) : value
    },
  })
}
