/** Types of Go that have all methods of an interface. */
import type { Program } from "./program.ts"
import { methodsBy } from "./owners.ts"
import { question } from "./question.ts"

/** Interfaces that an interface embeds, and those that these embed. */
const MAX_EMBEDDED = 3

const OWNERS = question("types with the methods of an interface", (program, name): string[] => {
  const methods = methodsIn(program, name, MAX_EMBEDDED)
  const [first, ...others] = [...methods].sort()
  if (first === undefined) return []
  const owners = new Set(program.functionsNamed(first).flatMap((ref) => ref.owner ?? []))
  return [...owners]
    .filter((owner) =>
      others.every((one) => methodsBy(program.functionsNamed(one), owner).length > 0),
    )
    .sort()
})

/** The names of the types that implement an interface, whatever their packages; none where nobody has all of it. */
export function implementersOf(program: Program, name: string): ReadonlySet<string> {
  return new Set(program.ask(OWNERS, name))
}

/** Method names of the interfaces of a name, those that they embed too. */
function methodsIn(program: Program, name: string, depth: number): ReadonlySet<string> {
  const found = new Set<string>()
  for (const ref of program.classesNamed(name)) {
    if (ref.form !== "interface") continue
    const declared = program.file(ref.source.path)?.classes.find((one) => one.start === ref.start)
    for (const method of declared?.methods ?? []) found.add(method.name)
    if (depth > 0)
      for (const base of ref.bases)
        for (const one of methodsIn(program, base.split(".").at(-1)!, depth - 1)) found.add(one)
  }
  return found
}
