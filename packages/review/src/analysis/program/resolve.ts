/**
 * From a call to the functions that it may run. By scope, class, import, package and declared type; where none of
 * these tells, by a name that only one function of the repository has. Silence is an answer too: an unknown callee
 * gives an empty list.
 */
import type { Assign, Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "./file.ts"
import { implementersOf } from "./implementers.ts"
import { folderOf, isForeign, isModule, isSamePackage, isScript, originOf } from "./modules.ts"
import { fieldBy, methodsBy } from "./owners.ts"
import type { ClassRef, FunctionRef, Located, Program } from "./program.ts"
import { isStub } from "./stubs.ts"

/** Implementations of an interface that are looked at; more of them prove nothing about one call. */
const MAX_IMPLEMENTATIONS = 4

/** Classes of one name whose bases are looked at. */
const MAX_NAMESAKES = 50

/** Names that too many unrelated things have for a lone definition to be the one that is meant. */
const COMMON =
  /^(?:get|set|run|start|stop|close|open|add|put|send|call|exec|execute|query|next|push|pop|read|write|update|delete|remove|create|save|find|load|init|main|handle|process|apply|then|catch|map|filter|forEach|log|info|error|warn|debug|print|toString|of|from|build|parse|emit|on|wait|lock|unlock|release|acquire|commit|rollback)$/

const RESOLVED = Symbol("resolved calls")

/** The functions that a call may run, at most a handful, in a fixed order. */
export function resolveCall(program: Program, file: File, call: Call): readonly Located[] {
  return program.memo<Call, readonly Located[]>(RESOLVED, call, [], () => {
    const refs = resolveCallee(program, file, call)
    return refs.flatMap((ref) => ("fn" in ref ? [ref] : (program.locate(ref) ?? [])))
  })
}

/** The function that an expression names or is: a lambda, a method reference, a function's name. */
export function resolveFunction(program: Program, file: File, node: Node): readonly Located[] {
  if (node.kind === "lambda") return [{ file, fn: node.fn }]
  if (node.kind === "await" || node.kind === "spread")
    return resolveFunction(program, file, node.value)
  if (node.kind === "call" && node.name === "bind" && node.callee.kind === "member") {
    return resolveFunction(program, file, node.callee.object)
  }
  if (node.kind !== "name" && node.kind !== "member") return []
  const call: Call = {
    kind: "call",
    callee: node,
    name: node.name,
    args: [],
    start: node.start,
    end: node.end,
  }
  return resolveCallee(program, file, call, node).flatMap((ref) =>
    "fn" in ref ? [ref] : (program.locate(ref) ?? []),
  )
}

function resolveCallee(
  program: Program,
  file: File,
  call: Call,
  at: Node = call,
): readonly (FunctionRef | Located)[] {
  const { callee } = call
  if (callee.kind === "lambda") return [{ file, fn: callee.fn }]
  if (callee.kind === "name") return resolveName(program, file, callee.name, at)
  if (callee.kind !== "member") return []
  return resolveMember(program, file, callee.object, callee.name, at)
}

function resolveName(
  program: Program,
  file: File,
  name: string,
  at: Node,
): readonly (FunctionRef | Located)[] {
  const local = file.functionsNamed(name).find((fn) => !fn.receiver && isVisible(file, fn, at))
  if (local) return [{ file, fn: local }]
  const own = ownClassOf(file, at)
  if (own) {
    const methods = methodsOf(program, file, own, name)
    if (methods.length > 0 && file.language !== "go" && file.language !== "python") return methods
  }
  const imported = file.importOf(name)
  if (imported) return throughImport(program, file, imported.module, imported.name, name)
  if (file.language === "go" || file.language === "kotlin" || file.language === "java") {
    const near = program
      .functionsNamed(name)
      .filter((ref) => isSamePackage(file, ref.source) && !ref.owner)
    if (near.length > 0) return near.slice(0, 1)
  }
  return unique(program, file, name)
}

/** A function nested elsewhere is not seen from here; methods are called through their object. */
function isVisible(file: File, fn: Func, at: Node): boolean {
  if (file.parentOf(fn)?.kind === "class") return false
  const outer = file.functionOf(fn)
  if (!outer) return true
  for (const around of file.ancestorsOf(at)) if (around === outer) return true
  return at === outer
}

function resolveMember(
  program: Program,
  file: File,
  object: Node,
  name: string,
  at: Node,
): readonly (FunctionRef | Located)[] {
  const own = ownClassOf(file, at)
  if (object.kind === "name") {
    if (isSelf(file, object.name, at) && own) {
      const methods = methodsOf(program, file, own, name)
      return methods.length > 0 ? methods : inField(program, file, own, name)
    }
    if (object.name === "super") return []
    const imported = file.importOf(object.name)
    if (imported) {
      if (imported.name === "*" || file.language === "go") {
        return throughImport(program, file, imported.module, name, name)
      }
      const statics = program
        .functionsNamed(name)
        .filter((ref) => ref.owner === imported.name || ref.owner === object.name)
      if (statics.length > 0) return statics.slice(0, 1)
    }
    const statics = methodsBy(program.functionsNamed(name), object.name).filter(
      (ref) => ref.source.language === file.language,
    )
    if (statics.length > 0) return statics.slice(0, 1)
  }
  const type = typeOf(program, file, object, at)
  if (type) {
    const methods = methodsOfType(program, file, type, name)
    if (methods.length > 0) return methods
  }
  const exported = fromOrigin(program, file, object, name)
  return exported.length > 0 ? exported : unique(program, file, name)
}

/** A method of what a module hands out: an object of functions, an instance, or the module itself. */
function fromOrigin(
  program: Program,
  file: File,
  object: Node,
  name: string,
): readonly FunctionRef[] {
  if (!isScript(file) && file.language !== "python") return []
  const all = program.functionsNamed(name)
  const origin = all.length > 0 ? originOf(program, file, object) : null
  if (!origin) return []
  if (origin.made !== null) return methodsOfType(program, origin.file, origin.made, name)
  if (origin.file === file) return []
  const there = all.filter((ref) => ref.source.path === origin.file.path)
  return there.length === 1 ? there : []
}

/** A function that a literal of the type puts into a field: `&Bundle{add: client.addProducer}`. */
function inField(
  program: Program,
  file: File,
  owner: string,
  name: string,
): readonly (FunctionRef | Located)[] {
  for (const object of file.objects) {
    if (object.type === null || bareType(object.type) !== owner) continue
    const entry = object.entries.find((one) => one.key === name)
    // `&Bundle{add: b.add}` copies the field that is asked for.
    if (!entry || IN_FIELDS.has(entry.value)) continue
    IN_FIELDS.add(entry.value)
    const found = resolveFunction(program, file, entry.value)
    IN_FIELDS.delete(entry.value)
    return found
  }
  return []
}

/** Fields that are being followed: literals that copy each other's fields would be followed for ever. */
const IN_FIELDS = new Set<Node>()

/** The name of the class whose method this stands in. */
export function ownClassOf(file: File, at: Node): string | null {
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind === "function" && outer.receiver) return outer.receiver.type
    if (outer.kind === "class") return outer.name
  }
  return at.kind === "function" ? (at.receiver?.type ?? null) : null
}

export function isSelf(file: File, name: string, at: Node): boolean {
  if (name === "this" || name === "self" || name === "cls") return true
  if (file.language !== "go") return /^(?:self|that|_this)$/.test(name)
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind === "function" && outer.receiver) return outer.receiver.name === name
  }
  return false
}

function methodsOf(
  program: Program,
  file: File,
  owner: string,
  name: string,
): readonly (FunctionRef | Located)[] {
  const here = file.functions.find(
    (fn) => fn.name === name && (fn.receiver?.type ?? file.classOf(fn)?.name) === owner,
  )
  if (here && !isStub(here)) return [{ file, fn: here }]
  const others = methodsOfType(program, file, owner, name)
  return here && others.length === 0 ? [{ file, fn: here }] : others
}

/** Methods of a class by its name; of an interface those of its implementations; else of its bases. */
function methodsOfType(
  program: Program,
  file: File,
  type: string,
  name: string,
): readonly FunctionRef[] {
  const functions = program.functionsNamed(name)
  const own = methodsBy(functions, type)
  const named = own.find(
    (ref) => ref.source.language === file.language && isSamePackage(file, ref.source),
  )
  const first = named ?? own.find((ref) => ref.source.language === file.language)
  if (first) return [first]
  const subclasses = program.subclassesOf(type)
  const below = new Set(subclasses.map((one) => one.name))
  const implementations = [...below].flatMap((owner) => methodsBy(functions, owner))
  if (implementations.length > 0) return inOrder(functions, implementations)
  const classes = program.classesNamed(type)
  if (file.language === "go" && classes.some((one) => one.form === "interface")) {
    const owners = implementersOf(program, type)
    const methods = functions.filter((ref) => ref.owner !== null)
    const own = methods.filter((ref) => owners.has(ref.owner!))
    return (own.length > 0 ? own : methods).slice(0, MAX_IMPLEMENTATIONS)
  }
  for (const one of classes.slice(0, MAX_NAMESAKES)) {
    const found = inherited(program, one, name)
    if (found.length > 0) return found.slice(0, 1)
  }
  return []
}

/** The first few of some functions, in the order that all of their name have. */
function inOrder(
  all: readonly FunctionRef[],
  some: readonly FunctionRef[],
): readonly FunctionRef[] {
  if (some.length <= 1) return some
  const wanted = new Set(some)
  return all.filter((ref) => wanted.has(ref)).slice(0, MAX_IMPLEMENTATIONS)
}

function inherited(program: Program, of: ClassRef, name: string): readonly FunctionRef[] {
  const seen = new Set([of.name])
  const open = [...of.bases]
  for (let base = open.shift(); base !== undefined && seen.size < 10; base = open.shift()) {
    if (seen.has(base)) continue
    seen.add(base)
    const found = methodsBy(program.functionsNamed(name), base)
    if (found.length > 0) return found
    for (const above of program.classesNamed(base)) open.push(...above.bases)
  }
  return []
}

/** The declared type of an expression, bare: no package, pointer or type arguments. Null where nothing tells. */
export function typeOf(program: Program, file: File, node: Node, at: Node): string | null {
  if (node.kind === "call" && node.isNew) return node.name
  if (node.kind === "await") return typeOf(program, file, node.value, at)
  if (node.kind === "member") {
    const owner =
      node.object.kind === "name" && isSelf(file, node.object.name, at)
        ? ownClassOf(file, at)
        : typeOf(program, file, node.object, at)
    return owner
      ? (fieldType(program, file, owner, node.name) ?? fieldSet(file, owner, node.name))
      : null
  }
  if (node.kind !== "name") return null
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind === "function") {
      const param = outer.params.find((one) => one.name === node.name)
      if (param?.type) return bareType(param.type)
      const local = localType(file, outer, node.name)
      if (local) return local
    }
    if (outer.kind === "class") {
      const field = fieldType(program, file, outer.name, node.name)
      if (field) return field
    }
  }
  return null
}

function localType(file: File, fn: Func, name: string): string | null {
  for (const assign of assignmentsIn(file, fn)) {
    if (!assign.targets.some((target) => target.kind === "name" && target.name === name)) continue
    if (assign.type) return bareType(assign.type)
    const value = assign.value?.kind === "unary" ? assign.value.operand : assign.value
    if (
      value?.kind === "call" &&
      (value.isNew || /^[A-Z]/.test(value.name)) &&
      file.language !== "go"
    ) {
      return value.name
    }
    if (value?.kind === "object" && value.type) return bareType(value.type)
  }
  return null
}

function fieldType(program: Program, file: File, owner: string, name: string): string | null {
  const type = fieldBy(program.classesNamed(owner), folderOf(file.path), name)
  return type === undefined ? null : bareType(type)
}

/** `self.orders = orders`, where the constructor's parameter has a type; `self.orders = OrderRepository(session)`. */
function fieldSet(file: File, owner: string, name: string): string | null {
  if (file.language !== "python" && file.language !== "javascript") return null
  for (const assign of file.assignmentsTo(name)) {
    const [target] = assign.targets
    const { value } = assign
    if (target?.kind !== "member" || target.object.kind !== "name" || !value) continue
    if (!/^(?:self|this)$/.test(target.object.name) || ownClassOf(file, assign) !== owner) continue
    if (value.kind === "call" && (value.isNew || /^[A-Z]/.test(value.name))) return value.name
    const param =
      value.kind === "name"
        ? file.functionOf(assign)?.params.find((one) => one.name === value.name)
        : undefined
    if (param?.type) return bareType(param.type)
  }
  return null
}

function bareType(type: string): string {
  const bare = type
    .replace(/^(?:typing\.)?(?:Annotated|Optional)\[\s*([\w.]+)[^]*$/, "$1")
    .replace(/<[^]*$|\[[^]*$/, "")
    .replace(/\?$/, "")
    .replace(/^[*&\s]+/, "")
  return bare.split(".").at(-1)!.trim()
}

const ASSIGNMENTS = new WeakMap<Func, readonly Assign[]>()

/** Every assignment in a function, those of functions within it too. */
export function assignmentsIn(file: File, fn: Func): readonly Assign[] {
  let found = ASSIGNMENTS.get(fn)
  if (!found) {
    found = file.assignments.filter((one) => one.start >= fn.start && one.end <= fn.end)
    ASSIGNMENTS.set(fn, found)
  }
  return found
}

function throughImport(
  program: Program,
  file: File,
  module: string,
  name: string,
  local: string,
): readonly FunctionRef[] {
  const wanted = name === "default" ? [local, "default", ""] : [name]
  const refs = wanted
    .flatMap((one) => program.functionsNamed(one))
    .filter(
      (ref) => ref.source.language === file.language || isScript(ref.source) === isScript(file),
    )
  const exact = refs.filter((ref) => isModule(file, module, ref))
  if (exact.length > 0) return exact.slice(0, 1)
  // A barrel passes names on: the name decides where it is the only one.
  const top = refs.filter((ref) => ref.owner === null)
  return top.length === 1 && !isForeign(program, file, module) ? top : []
}

/** The only function of the repository with that name, where the name says something. */
function unique(program: Program, file: File, name: string): readonly FunctionRef[] {
  if (COMMON.test(name) || name.length < 4) return []
  const refs = program
    .functionsNamed(name)
    .filter(
      (ref) => ref.source.language === file.language || (isScript(ref.source) && isScript(file)),
    )
  return refs.length === 1 ? refs : []
}

export { folderOf } from "./modules.ts"
