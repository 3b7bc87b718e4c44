/** The command line was not understood: the message says what, with which value, and what was probably meant. */
export class UsageError extends Error {
  override readonly name = "UsageError"
}
