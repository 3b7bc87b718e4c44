import { mutants } from "../../sim/mutants/mutants.ts"
import type { Hunted } from "./index.ts"

/** Bugs of the simulator that real processes must meet as well, each with the faults that bring it out. */
export const sqliteMutants: readonly Hunted[] = [
  fromSimulator("no-fence", ["pause", "block"]),
  fromSimulator("settle-after-rescue", ["pause", "block"]),
  fromSimulator("read-then-write-rescue", ["kill", "pause"]),
  fromSimulator("client-clock", ["skew"]),
  fromSimulator("rescue-without-lease", ["kill"]),
  fromSimulator("counted-slots", []),
  fromSimulator("crash-not-counted", ["kill"]),
  fromSimulator("interruptions-count-as-failures", ["terminate"]),
  fromSimulator("new-id-on-retry", ["lock", "full"]),
  fromSimulator("unique-not-in-flight", []),
  fromSimulator("pause-is-a-hint", []),
]

function fromSimulator(name: string, faults: readonly string[]): Hunted {
  const mutant = mutants.find((each) => each.name === name)
  if (mutant === undefined) throw new Error(`the simulator has no mutant named ${name}`)
  return { mutant, faults }
}
