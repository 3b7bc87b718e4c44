import { mutants } from "../../sim/mutants/mutants.ts"
import type { Change, Mutant } from "../../sim/mutants/mutant.ts"

/** A planted bug, and what has to do with it, which comes more often while it is hunted. */
export interface Hunted {
  readonly mutant: Mutant
  readonly faults: readonly string[]
  readonly features: readonly string[]
  /** Checkers that are there for such a bug: it is caught when one of them complains, and not before. */
  readonly by: readonly string[]
  /** Only these faults strike: others would undo what the bug does before it shows. */
  readonly only?: true
}

/** What the checkers that are there for a bug say of a run. */
export function caughtBy<V extends { readonly checker: string }>(
  violations: readonly V[],
  { by }: Pick<Hunted, "by">,
): readonly V[] {
  return violations.filter(({ checker }) => by.includes(checker))
}

/** Where a bug shows. */
export type Hunt = Omit<Hunted, "mutant">

/** A bug that the simulator plants as well. */
export function fromSimulator(name: string, hunt: Hunt): Hunted {
  const mutant = mutants.find((each) => each.name === name)
  if (mutant === undefined) throw new Error(`the simulator has no mutant named ${name}`)
  return { mutant, ...hunt }
}

/** A bug of this rig's own. @param what is wrong now, in a sentence. */
export function planted(
  name: string,
  what: string,
  { changes, ...hunt }: Hunt & { readonly changes: readonly Change[] },
): Hunted {
  return { mutant: { name, what, changes }, ...hunt }
}
