/** What was asked for cannot be read: a root that is no folder, a path outside of it, a revision that Git does not know. */
export class InputError extends Error {
  override readonly name = "InputError"
}
