/**
 * What several calls share: fields of an object, variables of a module, variables of a function that its closures
 * keep. Each has a key, so that a check in one method and an act in another are seen to be about the same.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { folderOf, isSelf, ownClassOf, resolveCall, typeOf } from "../program/resolve.ts"

/** Something that outlives one call. */
export interface State {
  readonly key: string
  readonly name: string
  /** The class, or null for a variable. */
  readonly owner: string | null
}

/** What is shared about an expression; null for what belongs to one call alone. */
export function stateOf(program: Program, file: File, node: Node): State | null {
  const bare = node.kind === "unary" ? node.operand : node
  if (bare.kind === "member") return ofMember(program, file, bare)
  if (bare.kind === "name") return ofName(file, bare)
  return null
}

function ofMember(program: Program, file: File, node: Node & { kind: "member" }): State | null {
  const { object, name } = node
  const bare = name.replace(/^#/, "")
  if (object.kind === "name" && isSelf(file, object.name, node)) {
    const owner = ownClassOf(file, node)
    return owner ? { key: `${scopeOf(file)}:${owner}.${bare}`, name: bare, owner } : null
  }
  const owner = typeOf(program, file, object, node)
  if (owner) return { key: `${scopeOf(file)}:${owner}.${bare}`, name: bare, owner }
  // `this.pool.active`, `state.active` of a module's object: by its path.
  const path = dotted(node)
  const [root, ...rest] = path.split(".")
  if (root !== undefined && rest.length > 0 && !/[()[\]]/.test(path)) {
    if (isSelf(file, root, node)) {
      const own = ownClassOf(file, node)
      return own
        ? { key: `${scopeOf(file)}:${own}.${rest.join(".")}`, name: bare, owner: own }
        : null
    }
    const base = variableOf(file, root, node)
    return base ? { key: `${base}.${rest.join(".")}`, name: bare, owner: null } : null
  }
  return null
}

function ofName(file: File, node: Node & { kind: "name" }): State | null {
  const key = variableOf(file, node.name, node)
  return key === null ? null : fieldOrVariable(file, node, key)
}

function fieldOrVariable(file: File, node: Node & { kind: "name" }, key: string): State {
  // The class that has the field: an anonymous one within it uses it too.
  const owner = key.startsWith("field ") ? key.slice("field ".length) : null
  return owner
    ? { key: `${scopeOf(file)}:${owner}.${node.name}`, name: node.name, owner }
    : { key, name: node.name, owner: null }
}

/** A key for a variable that more than one call sees; null for parameters and locals. */
function variableOf(file: File, name: string, at: Node): string | null {
  let inner: Func | null = null
  for (const outer of file.ancestorsOf(at)) {
    if (
      outer.kind === "class" &&
      (file.language === "java" || file.language === "kotlin" || file.language === "python")
    ) {
      if (file.language !== "python" && outer.fields.some((field) => field.name === name))
        return `field ${outer.name}`
      continue
    }
    if (outer.kind !== "function") continue
    if (outer.params.some((param) => param.name === name || param.names?.includes(name)))
      return inner && !isLoneLambda(file, inner) ? `${file.path}:${outer.start}:${name}` : null
    if (declares(file, outer, name)) {
      // A variable of the function itself is its own; one of a function around it is kept by its closures.
      return inner === null ? null : `${file.path}:${outer.start}:${name}`
    }
    inner = outer
  }
  const isGlobal = file.assignments.some(
    (assign) =>
      assign.targets.some((target) => target.kind === "name" && target.name === name) &&
      !file.functionOf(assign) &&
      !file.classOf(assign),
  )
  return isGlobal ? `${file.language === "go" ? scopeOf(file) : file.path}::${name}` : null
}

function isLoneLambda(file: File, fn: Func): boolean {
  void file
  return fn.isLambda === true
}

const DECLARED = new WeakMap<Func, Map<string, boolean>>()

function declares(file: File, fn: Func, name: string): boolean {
  let table = DECLARED.get(fn)
  if (!table) DECLARED.set(fn, (table = new Map()))
  const known = table.get(name)
  if (known !== undefined) return known
  const isGlobal = file.language === "python" && isDeclaredGlobal(file, fn, name)
  const found =
    !isGlobal &&
    file.assignments.some(
      (assign) =>
        assign.start >= fn.start &&
        assign.end <= fn.end &&
        (assign.declares || file.language === "python") &&
        assign.targets.some((target) => target.kind === "name" && target.name === name) &&
        file.functionOf(assign) === fn,
    )
  table.set(name, found)
  return found
}

/** Python's `global x` and `nonlocal x`. */
function isDeclaredGlobal(file: File, fn: Func, name: string): boolean {
  const text = file.textOf(fn)
  return new RegExp(`\\b(?:global|nonlocal)\\s[^\\n]*\\b${name.replaceAll(/\W/g, "")}\\b`).test(
    text,
  )
}

/** Go's package is its folder; elsewhere a class stands in one file. */
function scopeOf(file: File): string {
  return file.language === "go" ? folderOf(file.path) : file.path
}

/** What a function hands out without doing anything else: `return this.count`, `return q.metric.BusyWorkers()`. */
export function returnedOf(fn: Func): Node | null {
  const [only, ...more] = fn.body?.body ?? []
  if (only?.kind === "return" && more.length === 0) return only.value
  // Lock, defer Unlock, return.
  const last = fn.body?.body.at(-1)
  const before = fn.body?.body.slice(0, -1) ?? []
  const isPlain = before.every(
    (one) =>
      (one.kind === "call" && /^(?:Lock|RLock|lock)$/.test(one.name)) ||
      (one.kind === "defer" && one.call.kind === "call" && /^R?Unlock$/.test(one.call.name)),
  )
  if (last?.kind === "return" && isPlain) return last.value
  if (last?.kind === "try" && isPlain && last.catches.length === 0) {
    const inner = last.body.body
    return inner.length === 1 && inner[0]!.kind === "return" ? inner[0]!.value : null
  }
  if (only?.kind === "with" && more.length === 0) {
    const inner = only.body.body
    return inner.length === 1 && inner[0]!.kind === "return" ? inner[0]!.value : null
  }
  return null
}

/** Functions behind a call or a property that is a getter. */
export function gettersOf(
  program: Program,
  file: File,
  node: Node,
): readonly { file: File; fn: Func }[] {
  if (node.kind === "call") return resolveCall(program, file, node)
  if (
    node.kind !== "member" ||
    node.object.kind !== "name" ||
    !isSelf(file, node.object.name, node)
  )
    return []
  const owner = ownClassOf(file, node)
  const bare = node.name.replace(/^#/, "")
  return file.functions
    .filter(
      (fn) =>
        fn.name.replace(/^#/, "") === bare &&
        file.classOf(fn)?.name === owner &&
        (fn.modifiers.includes("get") ||
          fn.annotations.some((one) => one.name.endsWith("property"))),
    )
    .map((fn) => ({ file, fn }))
}

/** The call that a node is, awaited or not. */
export function callIn(node: Node | null): Call | null {
  if (node?.kind === "await") return callIn(node.value)
  return node?.kind === "call" ? node : null
}
