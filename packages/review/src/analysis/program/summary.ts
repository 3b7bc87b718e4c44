/** What of a file the rest of the program needs to find it: small enough to keep for every file at once. */
import { eachChild, walk } from "../../ir/children.ts"
import type { Class, Import, Node } from "../../ir/nodes.ts"
import type { File } from "./file.ts"
import { isStub } from "./stubs.ts"

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

/** One walk, without what a file keeps for rules: every file is summarised, and few are looked into. */
export function summarise(file: File): Summary {
  const functions: FunctionEntry[] = []
  const classes: ClassEntry[] = []
  const calls = new Set<string>()
  const visit = (root: Node, owner: string | null): void =>
    walk(root, (node) => {
      if (node.kind === "call") calls.add(node.name)
      else if (node.kind === "function" && !isStub(node) && !node.hasError && node.name !== "") {
        functions.push({
          name: node.name,
          owner: node.receiver?.type ?? owner,
          start: node.start,
          arity: node.params.length,
        })
      } else if (node.kind === "class") {
        classes.push(classEntry(node))
        eachChild(node, (child) => visit(child, node.name))
        return false
      }
      return undefined
    })
  for (const node of file.unit.body) visit(node, null)
  calls.delete("")
  const { package: name, imports, errors } = file.unit
  return { package: name, imports, functions, classes, calls: [...calls].sort(), errors }
}

function classEntry(one: Class): ClassEntry {
  return {
    name: one.name,
    form: one.form,
    bases: one.bases,
    fields: one.fields.flatMap((field): [string, string][] => {
      const type = field.type ?? constructedType(field.value)
      return type === null ? [] : [[field.name, type]]
    }),
    start: one.start,
  }
}

/** `new Foo()` tells the type of an undeclared field. */
function constructedType(value: File["unit"]["body"][number] | null): string | null {
  return value?.kind === "call" && value.isNew ? value.name : null
}
