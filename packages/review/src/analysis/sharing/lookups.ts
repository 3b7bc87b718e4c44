/**
 * Maps and sets that several calls share: where code asks whether a key is there, and what puts that key in. Found
 * and missing are told from each other in every form: `ok`, `has`, `containsKey`, `in`, a null check.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { typeOf } from "../program/resolve.ts"
import { regionOf } from "./reservations.ts"
import { stateOf, type State } from "./states.ts"
import { courseOf, runsInPlace } from "../program/yields.ts"

export interface Lookup {
  readonly fn: Func
  readonly state: State
  /** The key as written. */
  readonly key: string
  /** Where the map is asked. */
  readonly at: Node
  /** The test on the answer. */
  readonly test: Node
  /** What runs when the key is missing, from `from` on. */
  readonly region: Node
  readonly from: number
  /** What runs when it is there; null where nothing does. */
  readonly found: Node | null
  /** The branch for a key that is there turns some away and lets the others, whose entry is stale, go on. */
  readonly isPartly: boolean
  /** Of a type that several threads may use at once. */
  readonly isConcurrent: boolean
}

export interface Insert {
  readonly at: Node
  /** What is put in; null where the call says nothing of it. */
  readonly value: Node | null
}

const HAS = /^(?:has|containsKey|contains|include|includes|exists|ContainsKey|Contains|Has)$/
const GETS = /^(?:get|Get|Load|getIfPresent|find|getOrDefault)$/
const PUTS = /^(?:set|put|add|Set|Put|Store|Add|put_nowait)$/
const CONCURRENT =
  /^(?:Concurrent\w*Map|ConcurrentHashMap|sync\.Map|Map|ConcurrentLinkedHashMap|ConcurrentSkipListMap|CopyOnWriteArraySet|ConcurrentMap)$/

interface Asked {
  readonly state: State
  readonly key: string
  readonly at: Node
  readonly isFoundWhenTrue: boolean
  readonly map: Node
}

const LOOKUPS = Symbol("lookups of a file")

/** Every test of a file whether a shared map holds a key. */
export function lookupsIn(program: Program, file: File): readonly Lookup[] {
  return program.memo<File, readonly Lookup[]>(LOOKUPS, file, [], () => {
    const found: Lookup[] = []
    for (const root of file.unit.body) {
      walk(root, (node) => {
        const other = inExpression(program, file, node)
        if (other) found.push(other)
        if (node.kind !== "if") return
        const fn = courseOf(file, node)
        if (!fn?.body) return
        for (const asked of askedIn(program, file, node, node.test, false)) {
          const whole = regionOf(node, asked.isFoundWhenTrue, fn)
          const isPartly = !whole && asked.isFoundWhenTrue && leavesWithin(node.then)
          const region = isPartly ? fn.body : whole
          if (!region) continue
          const { state, key, at } = asked
          found.push({
            fn,
            state,
            key,
            at,
            test: node.test,
            region,
            from: isPartly ? node.end : node.test.end,
            isPartly,
            found: asked.isFoundWhenTrue ? node.then : node.otherwise,
            isConcurrent: isConcurrentMap(program, file, asked.map),
          })
        }
      })
    }
    return found
  })
}

/** `if (held.isFresh()) return false` within the branch for a key that is there: a stale one goes on. */
function leavesWithin(found: Node & { kind: "block" }): boolean {
  return found.body.some(
    (node) =>
      node.kind === "if" &&
      [node.then, node.otherwise].some((way) => way !== null && leaves(way.body, "function")),
  )
}

/** `map.get(key) ?? await make(key)`, Kotlin's `map[key]?.let { return it }`. */
function inExpression(program: Program, file: File, node: Node): Lookup | null {
  const isElse = node.kind === "binary" && /^(?:\?\?|\|\|)$/.test(node.op)
  const isLet = file.language === "kotlin" && node.kind === "call" && node.name === "let"
  if (!isElse && !isLet) return null
  const asker = isElse ? node.left : receiverOf(node as Call)
  const [asked] = asker ? plainly(program, file, asker) : []
  const fn = asked && courseOf(file, node)
  if (!asked || !fn?.body) return null
  const lambda = isLet ? (node as Call).args.at(-1) : undefined
  const found = lambda?.kind === "lambda" ? lambda.fn.body : null
  if (isLet && !(found && leaves(found.body))) return null
  const { state, key, at, map } = asked
  return {
    fn,
    state,
    key,
    at,
    test: at,
    region: isElse ? node.right : fn.body,
    from: isElse ? node.right.start : node.end,
    isPartly: false,
    found,
    isConcurrent: isConcurrentMap(program, file, map),
  }
}

function plainly(program: Program, file: File, node: Node): Asked[] {
  if (node.kind === "index") return ofIndex(program, file, node, false)
  return node.kind === "call" && GETS.test(node.name) ? ofQuestion(program, file, node, false) : []
}

/** The first place that puts a key in after it was found missing, in the same function. */
export function insertAfter(program: Program, file: File, lookup: Lookup): Insert | null {
  let found: Insert | null = null
  walk(lookup.region, (node) => {
    if (found || node.end <= lookup.from) return false
    if (node.kind === "function" && !(node.isLambda && runsInPlace(file, node))) return false
    if (
      node.kind === "block" &&
      node.start >= lookup.from &&
      leaves(node.body) &&
      node !== lookup.region &&
      !putsIn(program, file, lookup, node)
    )
      return false
    if (node.start >= lookup.from) found = insertOf(program, file, lookup, node)
    return !found
  })
  return found ?? storedAfter(program, file, lookup)
}

/** `if (!found) made = make() else made = found`, and what was made is put in after both. */
function storedAfter(program: Program, file: File, lookup: Lookup): Insert | null {
  const branch = file.ancestorsOf(lookup.test).find((outer) => outer.kind === "if")
  const block = branch && file.parentOf(branch)
  if (!branch || block?.kind !== "block" || branch.kind !== "if" || !branch.otherwise) return null
  for (const later of block.body.slice(block.body.indexOf(branch) + 1)) {
    const put = insertOf(program, file, lookup, later)
    const { value } = put ?? { value: null }
    if (value?.kind !== "name") continue
    const isMade = file
      .assignmentsTo(value.name)
      .some((one) => one.start >= lookup.region.start && one.end <= lookup.region.end)
    if (isMade) return put
  }
  return null
}

function putsIn(program: Program, file: File, lookup: Lookup, block: Node): boolean {
  let found = false
  walk(block, (node) => {
    if (!found && insertOf(program, file, lookup, node)) found = true
    return !found
  })
  return found
}

function insertOf(program: Program, file: File, lookup: Lookup, node: Node): Insert | null {
  if (node.kind === "assign" && node.op === "=") {
    const [target] = node.targets
    if (target?.kind !== "index" || file.textOf(target.index) !== lookup.key) return null
    return stateOf(program, file, target.object)?.key === lookup.state.key
      ? { at: node, value: node.value }
      : null
  }
  if (node.kind !== "call" || !(PUTS.test(node.name) || isUnheeded(file, node))) return null
  const receiver = receiverOf(node)
  const [key, value] = node.args
  if (!receiver || !key || file.textOf(key) !== lookup.key) return null
  return stateOf(program, file, receiver)?.key === lookup.state.key
    ? { at: node, value: value ?? null }
    : null
}

/** The map that a node puts something into, whatever the key. */
export function putInto(program: Program, file: File, node: Node): State | null {
  if (node.kind === "assign") {
    const [target] = node.targets
    return node.op === "=" && target?.kind === "index"
      ? stateOf(program, file, target.object)
      : null
  }
  const receiver = node.kind === "call" && PUTS.test(node.name) ? receiverOf(node) : null
  return receiver && stateOf(program, file, receiver)
}

/** `map.putIfAbsent(key, made)` whose answer nobody looks at: who came second goes on with the other one. */
function isUnheeded(file: File, call: Call): boolean {
  if (!/^(?:putIfAbsent|LoadOrStore)$/.test(call.name)) return false
  const value = call.args[1]
  if (value?.kind !== "name" || file.parentOf(call)?.kind !== "block") return false
  const fn = file.functionOf(call)
  const on = receiverOf(call)
  if (!fn || !on) return false
  const isUsed = (name: Node): boolean =>
    name.kind === "name" && name.name === value.name && name.start > call.end
  let used = false
  let isReadAgain = false
  walk(fn, (node) => {
    if (isUsed(node)) used = true
    if (node.kind === "call" && node.start > call.end && GETS.test(node.name))
      isReadAgain ||= file.textOf(receiverOf(node) ?? node) === file.textOf(on)
    return undefined
  })
  return used && !isReadAgain
}

function askedIn(
  program: Program,
  file: File,
  around: Node & { kind: "if" },
  test: Node,
  isFlipped: boolean,
): Asked[] {
  if (test.kind === "unary" && test.op === "!")
    return askedIn(program, file, around, test.operand, !isFlipped)
  if (test.kind === "await") return askedIn(program, file, around, test.value, isFlipped)
  if (test.kind === "binary") return askedInBinary(program, file, around, test, isFlipped)
  if (test.kind === "call") return ofQuestion(program, file, test, isFlipped)
  if (test.kind === "index") return ofIndex(program, file, test, isFlipped)
  if (test.kind === "name") return ofLocal(program, file, around, test, isFlipped)
  return []
}

function askedInBinary(
  program: Program,
  file: File,
  around: Node & { kind: "if" },
  test: Node & { kind: "binary" },
  isFlipped: boolean,
): Asked[] {
  const { op, left, right } = test
  if (op === "&&" || op === "||")
    return [
      ...askedIn(program, file, around, left, isFlipped),
      ...askedIn(program, file, around, right, isFlipped),
    ]
  if (op === "in" || op === "not in") {
    const state = stateOf(program, file, right)
    if (!state) return []
    return [
      {
        state,
        key: file.textOf(left),
        at: test,
        isFoundWhenTrue: (op === "in") !== isFlipped,
        map: right,
      },
    ]
  }
  const isEqual = /^(?:===?|is)$/.test(op)
  // `null != found` says the same as `found != null`.
  const [asked, nothing] = left.kind === "null" ? [right, left] : [left, right]
  if (nothing.kind !== "null" || !(isEqual || /^(?:!==?|is not)$/.test(op))) return []
  return askedIn(program, file, around, asked, isEqual !== isFlipped)
}

/** `map.has(key)`, `map.get(key)` as a truth or compared with null. */
function ofQuestion(program: Program, file: File, call: Call, isFlipped: boolean): Asked[] {
  const receiver = receiverOf(call)
  const [key] = call.args
  if (!receiver || !key || call.args.length !== 1 || !(HAS.test(call.name) || GETS.test(call.name)))
    return []
  const state = stateOf(program, file, receiver)
  return state
    ? [{ state, key: file.textOf(key), at: call, isFoundWhenTrue: !isFlipped, map: receiver }]
    : []
}

function ofIndex(
  program: Program,
  file: File,
  node: Node & { kind: "index" },
  isFlipped: boolean,
): Asked[] {
  const state = stateOf(program, file, node.object)
  return state
    ? [
        {
          state,
          key: file.textOf(node.index),
          at: node,
          isFoundWhenTrue: !isFlipped,
          map: node.object,
        },
      ]
    : []
}

/** A local that keeps the answer: Go's `_, ok := m[k]`, `const v = map.get(k)`. */
function ofLocal(
  program: Program,
  file: File,
  around: Node & { kind: "if" },
  name: Node & { kind: "name" },
  isFlipped: boolean,
): Asked[] {
  const kept = answerOf(file, around, name.name)
  if (!kept?.value) return []
  const value = kept.value.kind === "await" ? kept.value.value : kept.value
  const asked =
    value.kind === "index"
      ? ofIndex(program, file, value, isFlipped)
      : value.kind === "call" && (GETS.test(value.name) || HAS.test(value.name))
        ? ofQuestion(program, file, value, isFlipped)
        : []
  return asked.map((one) => ({ ...one, at: kept }))
}

function answerOf(
  file: File,
  around: Node & { kind: "if" },
  name: string,
): (Node & { kind: "assign" }) | null {
  const binds = (node: Node): boolean =>
    node.kind === "assign" &&
    node.targets.some((target) => target.kind === "name" && target.name === name)
  if (around.init && around.init.kind === "assign" && binds(around.init)) return around.init
  const fn = file.functionOf(around)
  if (!fn) return null
  const own = file.assignments.filter(
    (one) => one.start >= fn.start && one.end <= around.start && binds(one),
  )
  // The last one before the test: `v, ok = m[k]` is asked again under the lock.
  return own.at(-1) ?? null
}

/** Whether a map is made for several threads at once. */
export function isConcurrentMap(program: Program, file: File, map: Node): boolean {
  const type = typeOf(program, file, map, map)
  if (type === null) return isMadeConcurrent(program, file, map)
  if (type === "Map" || type === "MutableMap")
    return file.language === "go" || isMadeConcurrent(program, file, map)
  return CONCURRENT.test(type)
}

/** `private final Map<K, V> sessions = new ConcurrentHashMap<>()` */
function isMadeConcurrent(program: Program, file: File, map: Node): boolean {
  const key = stateOf(program, file, map)?.key
  if (key === undefined) return false
  const name = map.kind === "member" || map.kind === "name" ? map.name : ""
  const isMade = (value: Node | null): boolean =>
    value?.kind === "call" &&
    /^Concurrent\w*(?:Map|Set)$|^newKeySet$|^synchronized(?:Map|Set)$/.test(value.name)
  return (
    file.classes.some((one) =>
      one.fields.some((field) => field.name === name && isMade(field.value)),
    ) ||
    file.assignments.some(
      (one) =>
        isMade(one.value) &&
        one.targets.some((target) => stateOf(program, file, target)?.key === key),
    )
  )
}
