/** A planted bug: a small change of one source file, made while it is loaded. */
export interface Mutant {
  readonly name: string
  /** What is wrong now, in a sentence. */
  readonly what: string
  readonly changes: readonly Change[]
}

/** One replacement in one file. */
export interface Change {
  /** Path below packages/drover/src. */
  readonly file: string
  /** Must stand in the file exactly once: a mutant that no longer fits the code is an error, not a pass. */
  readonly find: string
  readonly replace: string
}

/** Applies a mutant's changes to the text of a file. @throws Error when a change does not fit. */
export function mutate(mutant: Mutant, file: string, source: string): string {
  let text = source
  for (const change of mutant.changes) {
    if (change.file !== file) continue
    const pieces = text.split(change.find)
    if (pieces.length !== 2) {
      throw new Error(
        `mutant ${mutant.name}: its text stands ${pieces.length - 1} times in ${file}, not once; adapt the planted bug`,
      )
    }
    text = pieces.join(change.replace)
  }
  return text
}
