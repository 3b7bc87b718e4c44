import { isDroverError } from "../errors/index.ts"
import type { StoreSource } from "../store/index.ts"
import { UsageError } from "./command.ts"

// With these the library refuses what it was handed; all others tell of what failed.
const REFUSALS: readonly string[] = [
  "DROVER_CONFIG",
  "DROVER_INPUT_INVALID",
  "DROVER_LIMIT_KEY",
  "DROVER_PAYLOAD_INVALID",
  "DROVER_PAYLOAD_TOO_LARGE",
]

// Errors that arose where nothing of the command line is looked at.
const elsewhere: WeakSet<object> = new WeakSet()

/** Runs what the configuration decides: what is refused there was not written on the command line. */
export async function asConfigured<T>(body: () => Promise<T> | T): Promise<T> {
  try {
    return await body()
  } catch (error) {
    if (typeof error === "object" && error !== null) elsewhere.add(error)
    throw error
  }
}

/** The same for the opening of a database, which happens at its first use: a driver may be missing. */
export function openedAsConfigured(source: StoreSource): StoreSource {
  // What is no database at all is the client's to refuse.
  if (typeof source?.connect !== "function") return source
  return {
    label: source.label,
    connect(environment) {
      const store = source.connect(environment)
      const open = store.open.bind(store)
      store.open = (options) => asConfigured(() => open(options))
      return store
    },
  }
}

/** Whether the caller wrote something wrong: the words of the command line, or a value that the library refuses. */
export function isWrittenWrong(error: unknown): boolean {
  if (error instanceof UsageError) return true
  return isDroverError(error) && REFUSALS.includes(error.code) && !elsewhere.has(error)
}
