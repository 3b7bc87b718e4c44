import { mutants } from "../../sim/mutants/mutants.ts"
import type { Change, Mutant } from "../../sim/mutants/mutant.ts"

/** A planted bug, and what has to do with it, which comes more often while it is hunted. */
export interface Hunted {
  readonly mutant: Mutant
  readonly faults: readonly string[]
  readonly features: readonly string[]
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
