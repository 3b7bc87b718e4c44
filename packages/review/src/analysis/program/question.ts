/**
 * A question about a whole program, answered once for each thing that it is about. Who asks hangs on the answer alone
 * and not on all sources: the answer must be plain data, and must hang on nothing but the program.
 */
import type { Program, Source } from "./program.ts"
import type { Lookup } from "./trace.ts"

export type Answer = string | number | boolean | null | readonly Answer[]

export interface Question<Given extends Answer = Answer> {
  readonly name: string
  answer(program: Program, about: string): Given
}

const questions = new Map<string, Question>()

/** Makes a question known by its name, which must be its own. */
export function question<Given extends Answer>(
  name: string,
  answer: (program: Program, about: string) => Given,
): Question<Given> {
  const made = { name, answer }
  questions.set(name, made)
  return made
}

/** The question of that name, or undefined. */
export function questionNamed(name: string): Question | undefined {
  return questions.get(name)
}

const MENTIONING = question("sources that mention a word", (program, about): string[] =>
  program.pathsMentioning(about).filter((path) => !program.source(path)!.isTest),
)

/** Sources outside tests whose text has a word, in the order of paths. */
export function sourcesMentioning(program: Program, word: string): readonly Source[] {
  return program.ask(MENTIONING, word).flatMap((path) => program.source(path) ?? [])
}

/** The word of a look-up that asks who mentions it; null for another look-up. */
export function mentionedWord(lookup: Lookup): string | null {
  const start = `${MENTIONING.name}\n`
  return lookup.startsWith(start) ? lookup.slice(start.length) : null
}
