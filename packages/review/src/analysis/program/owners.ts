/**
 * Methods and fields by who has them. A file may have one class a thousand times (generated code, copies): who asks
 * for each use of a name must not go through all of them again.
 */
import type { ClassRef, FunctionRef } from "./program.ts"

const METHODS = new WeakMap<readonly FunctionRef[], ReadonlyMap<string, readonly FunctionRef[]>>()

/** Of the functions of one name, the methods of a class, in their order. */
export function methodsBy(refs: readonly FunctionRef[], owner: string): readonly FunctionRef[] {
  let table = METHODS.get(refs)
  if (!table) METHODS.set(refs, (table = Map.groupBy(refs, (ref) => ref.owner ?? "")))
  return table.get(owner) ?? []
}

interface Fields {
  readonly everywhere: Map<string, string>
  readonly byFolder: Map<string, Map<string, string>>
}

const FIELDS = new WeakMap<readonly ClassRef[], Fields>()

/**
 * Of the classes of one name, the declared type of a field: of those in the folder where it has some, else of all;
 * of several the first.
 */
export function fieldBy(
  classes: readonly ClassRef[],
  folder: string,
  field: string,
): string | undefined {
  let table = FIELDS.get(classes)
  if (!table) FIELDS.set(classes, (table = tableOf(classes)))
  return (table.byFolder.get(folder) ?? table.everywhere).get(field)
}

function tableOf(classes: readonly ClassRef[]): Fields {
  const table: Fields = { everywhere: new Map(), byFolder: new Map() }
  for (const { source, fields } of classes) {
    const folder = source.path.slice(0, Math.max(0, source.path.lastIndexOf("/")))
    let near = table.byFolder.get(folder)
    if (!near) table.byFolder.set(folder, (near = new Map()))
    for (const [name, type] of fields) {
      if (!table.everywhere.has(name)) table.everywhere.set(name, type)
      if (!near.has(name)) near.set(name, type)
    }
  }
  return table
}
