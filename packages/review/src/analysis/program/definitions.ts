/** What may have been put into a name: every assignment that reaches it, in its function, around it, in its class. */
import type { Assign, Entry, Func, Node, Obj, Param } from "../../ir/nodes.ts"
import type { File } from "./file.ts"
import { gatheredIn } from "./gatherings.ts"
import { dotted } from "./names.ts"
import type { Located, Program } from "./program.ts"
import { question } from "./question.ts"
import { isSelf, ownClassOf, resolveFunction } from "./resolve.ts"

export interface Definition {
  readonly file: File
  /** What was assigned; null where the value comes from elsewhere (a loop's element, a catch). */
  readonly value: Node | null
  /** The assignment or the parameter's function, to show. */
  readonly at: Node
  /** Of compound assignments `+=`; a plain one has `=`. */
  readonly op: string
  readonly isParam?: boolean
}

/** Callers of a function that are looked at for the values of its parameters. */
const MAX_CALLERS = 8

/**
 * Definitions of a variable, parameter, constant or field. Order within a function is not looked at: a name that was
 * jittered once is taken to be jittered.
 */
export function definitionsOf(
  program: Program,
  file: File,
  node: Node,
  depth = 0,
): readonly Definition[] {
  if (node.kind === "name") return ofName(program, file, node.name, node, depth)
  if (node.kind === "member") return ofMember(file, node)
  return []
}

function ofName(
  program: Program,
  file: File,
  name: string,
  at: Node,
  depth: number,
): readonly Definition[] {
  const found: Definition[] = []
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind !== "function") continue
    found.push(...assignedIn(file, outer, name))
    const index = outer.params.findIndex(
      (param) => param.name === name || param.names?.includes(name),
    )
    if (index >= 0) {
      const param = outer.params[index]!
      if (param.value) found.push({ file, value: param.value, at: outer, op: "=", isParam: true })
      if (depth < 2) found.push(...passedIn(program, file, outer, index, param))
    }
    if (found.length > 0) return found
  }
  const own = ownClassOf(file, at)
  if (own && file.language !== "go" && file.language !== "python") {
    const fields = ofField(file, own, name)
    if (fields.length > 0) return fields
  }
  for (const assign of topLevelOf(program, file, name)) {
    if (assign.targets.some((target) => dotted(target) === name)) {
      found.push({
        file,
        value: valueFor(assign.targets, assign.value, name),
        at: assign,
        op: assign.op,
      })
    }
  }
  return found.length > 0 ? found : imported(program, file, name)
}

const TOP_LEVEL = Symbol("assignments outside of functions and classes")

/** Assignments to a name outside of functions and classes, found once for a name of a file. */
function topLevelOf(program: Program, file: File, name: string): readonly Assign[] {
  const none = new Map<string, readonly Assign[]>()
  const known = program.memo(TOP_LEVEL, file, none, () => none)
  let list = known.get(name)
  if (!list) {
    list = file
      .assignmentsTo(name.slice(name.lastIndexOf(".") + 1))
      .filter((assign) => !file.functionOf(assign) && !file.classOf(assign))
    known.set(name, list)
  }
  return list
}

/** Assignments to a name in a function, without those of functions within it that declare it anew. */
function assignedIn(file: File, fn: Func, name: string): Definition[] {
  const found: Definition[] = []
  const list = file.assignmentsTo(name)
  for (let i = firstFrom(list, fn.start); i < list.length; i++) {
    const assign = list[i]!
    if (assign.start > fn.end) break
    if (assign.end > fn.end) continue
    if (!assign.targets.some((target) => target.kind === "name" && target.name === name)) continue
    found.push({
      file,
      value: valueFor(assign.targets, assign.value, name),
      at: assign,
      op: assign.op,
    })
  }
  return found
}

/** The index of the first that starts at an offset or behind it. */
function firstFrom(list: readonly Assign[], offset: number): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (list[middle]!.start < offset) low = middle + 1
    else high = middle
  }
  return low
}

/** The part of a list of values, or of what is gathered, that goes to one of several targets; a call with many results goes to each. */
export function valueFor(targets: readonly Node[], value: Node | null, name: string): Node | null {
  if (!value || targets.length < 2) return value
  const gathered = gatheredIn(value)
  const items = value.kind === "list" ? value.items : gathered
  if (!items || (gathered && items.length !== targets.length)) return value
  const index = targets.findIndex((target) => dotted(target) === name)
  return items[index] ?? value
}

function passedIn(
  program: Program,
  file: File,
  fn: Func,
  index: number,
  param: Param,
): Definition[] {
  if (fn.name === "") return []
  const found: Definition[] = []
  for (const { file: from, call } of callersOf(program, { file, fn })) {
    const named = call.args.find((arg) => arg.kind === "named" && arg.name === param.name)
    const offset =
      file.language === "python" && /^(?:self|cls)$/.test(fn.params[0]?.name ?? "") ? 1 : 0
    const value = named?.kind === "named" ? named.value : call.args[index - offset]
    if (value && value.kind !== "named")
      found.push({ file: from, value, at: call, op: "=", isParam: true })
  }
  return found
}

const CALLERS = Symbol("callers")

export interface CallSite {
  readonly file: File
  readonly call: Node & { kind: "call" }
}

/** Calls outside tests that may run a function, at most MAX_CALLERS. */
export function callersOf(program: Program, { file, fn }: Located): readonly CallSite[] {
  return program.memo<Func, readonly CallSite[]>(CALLERS, fn, [], () => {
    const found: CallSite[] = []
    for (const source of program.sourcesCalling(fn.name)) {
      if (found.length >= MAX_CALLERS) break
      if (source.language !== file.language) continue
      const from = source.path === file.path ? file : program.file(source.path)
      if (!from) continue
      for (const call of from.callsNamed(fn.name)) {
        if (found.length >= MAX_CALLERS) break
        const targets = resolveFunction(program, from, call.callee)
        if (targets.some((target) => target.fn === fn || isSame(target, { file, fn }))) {
          found.push({ file: from, call })
        }
      }
    }
    return found
  })
}

/** A tree that was loaded again has other objects for the same function. */
function isSame(a: Located, b: Located): boolean {
  return a.file.path === b.file.path && a.fn.start === b.fn.start
}

function ofMember(file: File, node: Node & { kind: "member" }): readonly Definition[] {
  const { object, name } = node
  if (object.kind === "name" && isSelf(file, object.name, node)) {
    const own = ownClassOf(file, node)
    if (own) return ofField(file, own, name)
  }
  // Options and configuration: any place of this file that assigns a field of that name, or a key of it in a literal.
  const assigned = file
    .assignmentsTo(name)
    .filter((assign) =>
      assign.targets.some((target) => target.kind === "member" && target.name === name),
    )
  return assigned.map((assign) => ({ file, value: assign.value, at: assign, op: assign.op }))
}

function ofField(file: File, owner: string, name: string): readonly Definition[] {
  const found: Definition[] = []
  for (const one of file.classes) {
    if (one.name !== owner) continue
    const field = one.fields.find((field) => field.name === name || field.name === `#${name}`)
    if (field?.value) found.push({ file, value: field.value, at: field.value, op: "=" })
  }
  for (const assign of file.assignmentsTo(name)) {
    const isField = assign.targets.some(
      (target) =>
        (target.kind === "member" &&
          target.name === name &&
          target.object.kind === "name" &&
          isSelf(file, target.object.name, target)) ||
        (target.kind === "name" &&
          target.name === name &&
          file.language !== "go" &&
          !assign.declares),
    )
    if (isField && ownClassOf(file, assign) === owner) {
      found.push({ file, value: assign.value, at: assign, op: assign.op })
    }
  }
  if (file.language === "go") found.push(...literalFields(file, owner, name))
  return found
}

/** `&Client{retryDelay: x}` assigns a field of Go too. */
function literalFields(file: File, owner: string, name: string): Definition[] {
  return file.objects.flatMap((object) => {
    if (
      object.type
        ?.replace(/\[[^]*$/, "")
        .split(".")
        .at(-1) !== owner
    )
      return []
    const entry =
      object.entries.find((one) => one.key === name) ?? inPlace(file, object, owner, name)
    return entry ? [{ file, value: entry.value, at: entry.value, op: "=" }] : []
  })
}

/** `&Client{url, http}`: the values of all fields, in the order of the struct. */
function inPlace(file: File, object: Obj, owner: string, name: string): Entry | undefined {
  const fields = file.classes.find((one) => one.name === owner)?.fields ?? []
  if (fields.length !== object.entries.length) return undefined
  if (object.entries.some((one) => one.keyNode !== null || one.key !== null)) return undefined
  return object.entries[fields.findIndex((field) => field.name === name)]
}

const ENDING = question("source with an ending", (program, ending): string | null => {
  const ends = (path: string): boolean => path.replace(/(?:\/index)?\.[a-z]+$/, "").endsWith(ending)
  return program.sources.find(({ path }) => path.includes(ending) && ends(path))?.path ?? null
})

/** A constant of another file of this repository. */
function imported(program: Program, file: File, name: string): readonly Definition[] {
  const link = file.importOf(name)
  if (!link || link.name === "*" || !link.module.startsWith(".")) return []
  const base = link.module.replace(/^(?:\.{1,2}\/)+/, "").replace(/\.[cm]?[jt]sx?$/, "")
  const path = program.ask(ENDING, base.replaceAll(".", "/"))
  const target = path !== null && path !== file.path ? program.file(path) : null
  if (!target) return []
  return target.assignments
    .filter(
      (assign) =>
        !target.functionOf(assign) && assign.targets.some((one) => dotted(one) === link.name),
    )
    .map((assign) => ({ file: target, value: assign.value, at: assign, op: assign.op }))
}
