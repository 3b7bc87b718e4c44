/** Go's imports, and the names that packages have in a file that gives them none. */
import type { Import } from "../../ir/nodes.ts"
import { named, type Lowering } from "../lowering.ts"
import { fieldOf, type Syntax } from "../syntax.ts"

/** The imports of one declaration. A dot import is local as ".", a blank one as "_". */
export function importsOf(declaration: Syntax, to: Lowering): Import[] {
  const specs = named(declaration).flatMap((one) =>
    one.type === "import_spec" ? [one] : named(one),
  )
  return specs.flatMap((spec): Import[] => {
    const path = fieldOf(spec, "path")
    if (!path) return []
    const module = to.textOf(path).slice(1, -1)
    const name = fieldOf(spec, "name")
    const local = name ? to.textOf(name) : localName(module, to.text)
    return [{ module, name: "*", local, start: spec.start, end: spec.end }]
  })
}

/**
 * The name of a package is written in the package alone. By custom it is the last part of the path, without a version
 * (`rand/v2`, `yaml.v3`); where that is no name (`go-redis`), the part of it that the file uses.
 */
function localName(module: string, text: string): string {
  const parts = module.split("/")
  if (parts.length > 1 && /^v\d+$/.test(parts.at(-1)!)) parts.pop()
  const last = parts.at(-1)!.replace(/\.v\d+$/, "")
  if (/^\w+$/.test(last)) return last
  const pieces = last.split(/[-.]/).filter((piece) => /^\w+$/.test(piece))
  const names = pieces.filter((piece) => piece !== "go" && piece !== "golang")
  const candidates = [names.join(""), names.join("_"), ...names.toReversed()]
  return candidates.find((one) => one !== "" && uses(text, one)) ?? names.at(-1) ?? last
}

function uses(text: string, name: string): boolean {
  return new RegExp(`\\b${name}\\.[A-Z]`).test(text)
}
