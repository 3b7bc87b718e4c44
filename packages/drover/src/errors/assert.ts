import { DroverError } from "./droverError.ts"

/**
 * States an invariant of Drover itself. Stays on in production: a broken invariant must stop the one
 * operation that met it, loudly, before it can write something wrong.
 * @throws DroverError `DROVER_ASSERTION`.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (condition) return
  throw new DroverError(
    "DROVER_ASSERTION",
    `${message} (this is a bug in Drover; please report it)`,
  )
}

/** Marks a branch that the types say cannot be reached. @throws DroverError `DROVER_ASSERTION`. */
export function unreachable(value: never, what: string): never {
  throw new DroverError("DROVER_ASSERTION", `${what}: unexpected ${JSON.stringify(value)}`)
}
