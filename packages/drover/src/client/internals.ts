import { assert } from "../errors/index.ts"
import type { Store } from "../store/index.ts"
import type { ResolvedOptions } from "./droverOptions.ts"

/** What the test kit sees of a client and users do not. */
export interface DroverInternals {
  readonly options: ResolvedOptions
  /** The open store. */
  store(): Promise<Store>
  /** Puts the limits of the client's code in force, as a worker does before its first claim. */
  declareLimits(store: Store): Promise<void>
}

const known = new WeakMap<object, DroverInternals>()

/** Lets the rooms above see the inside of a client. */
export function keepInternals(drover: object, internals: DroverInternals): void {
  known.set(drover, internals)
}

/** The inside of a client. @throws DroverError `DROVER_ASSERTION` for anything else. */
export function internalsOf(drover: object): DroverInternals {
  const internals = known.get(drover)
  assert(internals !== undefined, "the test kit works on clients of its own copy of the package")
  return internals
}
