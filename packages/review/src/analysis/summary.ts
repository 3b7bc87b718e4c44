/** What of a file the rest of the program needs to find it: small enough to keep for every file at once. */
import type { Import } from "../ir/nodes.ts"
import type { File } from "./file.ts"

export interface FunctionEntry {
  readonly name: string
  /** The class, or Go's receiver type, or null. */
  readonly owner: string | null
  readonly start: number
  readonly arity: number
}

export interface ClassEntry {
  readonly name: string
  readonly form: "class" | "interface" | "struct" | "enum" | "object"
  readonly bases: readonly string[]
  /** Names and types as written. */
  readonly fields: readonly (readonly [name: string, type: string])[]
  readonly start: number
}

/** Plain data, fit for JSON. */
export interface Summary {
  readonly package: string | null
  readonly imports: readonly Import[]
  readonly functions: readonly FunctionEntry[]
  readonly classes: readonly ClassEntry[]
  /** The last names of all calls, each once, sorted. */
  readonly calls: readonly string[]
  /** Parse errors. */
  readonly errors: number
}

export function summarise(file: File): Summary {
  const functions = file.functions
    .filter((fn) => fn.name !== "")
    .map((fn) => ({
      name: fn.name,
      owner: fn.receiver?.type ?? file.classOf(fn)?.name ?? null,
      start: fn.start,
      arity: fn.params.length,
    }))
  const classes = file.classes.map((one) => ({
    name: one.name,
    form: one.form,
    bases: one.bases,
    fields: one.fields.flatMap((field): [string, string][] => {
      const type = field.type ?? constructedType(field.value)
      return type === null ? [] : [[field.name, type]]
    }),
    start: one.start,
  }))
  const calls = [...new Set(file.calls.map((call) => call.name))]
    .filter((name) => name !== "")
    .sort()
  const { package: name, imports, errors } = file.unit
  return { package: name, imports, functions, classes, calls, errors }
}

/** `new Foo()` tells the type of an undeclared field. */
function constructedType(value: File["unit"]["body"][number] | null): string | null {
  return value?.kind === "call" && value.isNew ? value.name : null
}
