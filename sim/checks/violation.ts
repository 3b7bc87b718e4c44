/** A promise of Drover that did not hold. Ends the run. */
export class Violation extends Error {
  override readonly name = "Violation"
  /** Name of the checker that saw it. */
  readonly checker: string

  constructor(checker: string, message: string) {
    super(message)
    this.checker = checker
  }
}

/** States a promise of Drover. @throws Violation when it does not hold. */
export function promise(
  condition: boolean,
  checker: string,
  message: () => string,
): asserts condition {
  if (!condition) throw new Violation(checker, message())
}
