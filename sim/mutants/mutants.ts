import type { Mutant } from "./mutant.ts"

/** The planted bugs, each of which the simulator must catch. */
export const mutants: readonly Mutant[] = []
