/** From an import to the file that it means, and to what that file has under a name. */
import type { Node } from "../../ir/nodes.ts"
import type { File } from "./file.ts"
import type { FunctionRef, Program, Source } from "./program.ts"
import { question } from "./question.ts"

/** Whether an import of Go means a folder of this repository. */
const OWN_MODULE = question("own module of Go", (program, module): boolean =>
  program.sources.some(({ path }) => folderOf(path) !== "" && module.endsWith(folderOf(path))),
)

/** Whether a module of that name cannot be this repository's own. */
export function isForeign(program: Program, file: File, module: string): boolean {
  if (isScript(file)) return !/^[.#~@/]/.test(module)
  if (file.language === "go") return !program.ask(OWN_MODULE, module)
  return false
}

/** Whether an import of `module` in `file` means the file of a function. */
export function isModule(
  file: File,
  module: string,
  { source, package: name }: FunctionRef,
): boolean {
  if (isScript(file)) {
    if (!module.startsWith(".")) return false
    const target = joined(file.path, module).replace(/\.(?:[cm]?[jt]sx?)$/, "")
    const path = source.path.replace(/\.(?:[cm]?[jt]sx?)$/, "")
    return path === target || path === `${target}/index`
  }
  if (file.language === "go")
    return folderOf(source.path) !== "" && module.endsWith(folderOf(source.path))
  if (file.language === "python") {
    const tail = module.replace(/^\.+/, "").replaceAll(".", "/")
    const path = source.path.replace(/\.py$/, "").replace(/\/__init__$/, "")
    return tail === ""
      ? folderOf(file.path) === folderOf(source.path)
      : `/${path}`.endsWith(`/${tail}`)
  }
  return name !== null && module.startsWith(name)
}

function joined(from: string, relative: string): string {
  const parts = from.split("/").slice(0, -1)
  for (const step of relative.split("/")) {
    if (step === "..") parts.pop()
    else if (step !== ".") parts.push(step)
  }
  return parts.join("/")
}

export function folderOf(path: string): string {
  let folder = FOLDERS.get(path)
  if (folder === undefined)
    FOLDERS.set(path, (folder = path.slice(0, Math.max(0, path.lastIndexOf("/")))))
  return folder
}

const FOLDERS = new Map<string, string>()

export function isScript(of: { readonly language: string }): boolean {
  return of.language === "javascript" || of.language === "typescript"
}

export function isSamePackage(file: File, source: Source): boolean {
  return folderOf(file.path) === folderOf(source.path)
}

const ENDINGS = [".ts", ".tsx", ".js", ".mjs", ".cjs", ".jsx", "/index.ts", "/index.js"]

const PATH_OF = question("path of a module by its ending", (program, ending): string | null => {
  const found = modulesNamed(program, ending.slice(ending.lastIndexOf("/") + 1)).filter((path) =>
    `/${path}`.endsWith(`/${ending}`),
  )
  return found.length === 1 ? found[0]! : null
})

/** Paths of Python's modules and packages without their endings, by their last names; found once for a program. */
const MODULES = new WeakMap<Program, ReadonlyMap<string, readonly string[]>>()

function modulesNamed(program: Program, name: string): readonly string[] {
  let modules = MODULES.get(program)
  if (!modules) {
    const paths = program.sources.flatMap(({ path }) =>
      path.endsWith(".py") ? [path.replace(/(?:\/__init__)?\.py$/, "")] : [],
    )
    MODULES.set(
      program,
      (modules = Map.groupBy(paths, (path) => path.slice(path.lastIndexOf("/") + 1))),
    )
  }
  return modules.get(name) ?? []
}

/** The file that a module of JavaScript or Python is; null where it is none of the repository, or several may be. */
function fileOf(program: Program, file: File, module: string): File | null {
  if (isScript(file)) {
    if (!module.startsWith(".")) return null
    const target = joined(file.path, module)
    const bare = target.replace(/\.(?:[cm]?[jt]sx?)$/, "")
    const path = [target, ...ENDINGS.map((ending) => bare + ending)].find((one) =>
      program.source(one),
    )
    return path === undefined ? null : program.file(path)
  }
  if (file.language !== "python") return null
  const [dots] = /^\.*/.exec(module)!
  const tail = module.slice(dots.length).replaceAll(".", "/")
  const found = dots === "" ? program.ask(PATH_OF, tail) : null
  if (dots === "" && found === null) return null
  const up = file.path.split("/").slice(0, -dots.length)
  const base = found ?? [...up, ...(tail === "" ? [] : [tail])].join("/")
  const path = [`${base}.py`, `${base}/__init__.py`].find((one) => program.source(one))
  return path === undefined ? null : program.file(path)
}

/** What a name is in the file that it comes from. */
export interface Origin {
  readonly file: File
  /** The class that was made for it: `export const orders = new OrderRepository()`, `item = CRUDItem(Item)`. */
  readonly made: string | null
}

/** Files that hand a name on to others. */
const MAX_HOPS = 3

/** Where an object comes from that is called by a name, or is a name of a module: `orders.find()`, `crud.item.get()`. */
export function originOf(
  program: Program,
  file: File,
  object: Node,
  hops = MAX_HOPS,
): Origin | null {
  if (hops === 0) return null
  if (object.kind === "member" && object.object.kind === "name") {
    const outer = file.importOf(object.object.name)
    const home = outer && fileOf(program, file, nested(file, outer.module, outer.name))
    const module = home ?? (outer && fileOf(program, file, outer.module))
    return module && module !== file ? originIn(program, module, object.name, hops) : null
  }
  if (object.kind !== "name") return null
  const imported = file.importOf(object.name)
  if (!imported) return originIn(program, file, object.name, hops)
  // `from app.crud import crud_item`: the name may be a module itself.
  const module =
    file.language === "python"
      ? fileOf(program, file, nested(file, imported.module, imported.name))
      : null
  if (module) return { file: module, made: null }
  const home = fileOf(program, file, imported.module)
  if (!home || home === file) return null
  return originIn(program, home, imported.name === "default" ? object.name : imported.name, hops)
}

function nested(file: File, module: string, name: string): string {
  if (file.language !== "python" || name === "*") return module
  return module.endsWith(".") ? module + name : `${module}.${name}`
}

function originIn(program: Program, home: File, name: string, hops: number): Origin | null {
  const assign = home
    .assignmentsTo(name)
    .find(
      (one) =>
        one.targets.some((target) => target.kind === "name") &&
        !home.functionOf(one) &&
        !home.classOf(one),
    )
  if (assign) return { file: home, made: madeBy(assign.value) }
  const again = home.importOf(name)
  if (!again) return { file: home, made: null }
  return originOf(program, home, { kind: "name", name, start: 0, end: 0 }, hops - 1)
}

function madeBy(value: Node | null): string | null {
  if (value?.kind !== "call") return null
  if (value.isNew) return value.name
  return /^[A-Z]/.test(value.name) ? value.name : null
}
