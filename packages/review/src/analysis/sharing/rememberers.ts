/**
 * Memories of identities behind a name: one function asks (`isProcessed(id)`), another adds (`markProcessed(id)`), and
 * those who handle messages call both.
 */
import { walk } from "../../ir/children.ts"
import type { Func, Node } from "../../ir/nodes.ts"
import { callersOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { isRequestHandler, isWebhookName } from "../program/handlers.ts"
import { receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { type State, stateOf } from "./states.ts"

export interface Rememberer {
  readonly fn: Func
  readonly at: Node
  readonly collection: Node
  readonly state: State
  readonly added: Node
  /** Who asks, as far as names tell. */
  readonly asker: { readonly file: File; readonly at: Node } | null
}

const HAS = /^(?:has|includes|contains|containsKey|Contains|Has|exists)$/
const ADD = /^(?:add|set|push|append|put|Set|Add|Put|insert)$/
/** Where what others repeat comes in. */
const REPEATED =
  /webhook|consumer|listener|deliver(?:y|ies)|callback|subscriber|inbound|ingress|stripe|slack/i
/** Stores beside those that all share. */
const STAND_IN = /in_?memory|memory|fake|mock|stub|noop|local/i

/** Functions that do nothing but ask such a memory. */
export function rememberersOf(program: Program, file: File): Rememberer[] {
  return file.functions.flatMap((fn) => {
    const only = fn.body?.body.at(-1)
    if (!fn.body || fn.body.body.length > 3 || only?.kind !== "return" || !only.value) return []
    const asked = askedBy(only.value, new Set(fn.params.map((one) => one.name)))
    const state = asked && stateOf(program, file, asked.collection)
    if (!state) return []
    const owner = file.classOf(fn)
    // One of several stores behind an interface is chosen elsewhere.
    if (owner && (owner.bases.length > 0 || STAND_IN.test(owner.name))) return []
    const added = addedTo(program, file, state)
    if (!added) return []
    const { at, collection } = asked
    return [{ fn, at, collection, state, added, asker: askerOf(program, file, fn) }]
  })
}

function askedBy(value: Node, params: ReadonlySet<string>): { at: Node; collection: Node } | null {
  let found: { at: Node; collection: Node } | null = null
  walk(value, (node) => {
    if (found || node.kind === "function") return false
    if (node.kind === "call" && HAS.test(node.name)) {
      const collection = receiverOf(node)
      const [key] = node.args
      if (collection && key?.kind === "name" && params.has(key.name))
        found = { at: node, collection }
    }
    if (node.kind === "binary" && node.op === "in" && node.left.kind === "name")
      if (params.has(node.left.name)) found = { at: node, collection: node.right }
    return undefined
  })
  return found
}

/** Where another function of the file puts what it is given into the same collection. */
function addedTo(program: Program, file: File, state: State): Node | null {
  return (
    file.calls.find((call) => {
      const on = ADD.test(call.name) ? receiverOf(call) : null
      const [key] = call.args
      if (!on || key?.kind !== "name") return false
      const fn = file.functionOf(call)
      return (
        fn !== null &&
        fn.params.some((one) => one.name === key.name) &&
        stateOf(program, file, on)?.key === state.key
      )
    }) ?? null
  )
}

function askerOf(program: Program, file: File, fn: Func): Rememberer["asker"] {
  for (const { file: from, call } of callersOf(program, { file, fn })) {
    const around = from.methodOf(call) ?? from.functionOf(call)
    const isTested = [...from.ancestorsOf(call)].some((one) => one.kind === "if")
    if (!around || !isTested) continue
    if (
      REPEATED.test(from.path) ||
      isRequestHandler(from, around) ||
      isWebhookName(around.name) ||
      REPEATED.test(from.classOf(call)?.name ?? "")
    )
      return { file: from, at: call }
  }
  return null
}

/** Whether a file or class is named after what others repeat. */
export function isNamedForRepetitions(file: File, fn: Func): boolean {
  return REPEATED.test(`${file.path} ${file.classOf(fn)?.name ?? ""}`)
}

/** The languages' own collections, as they are made. */
export function isCollection(value: Node): boolean {
  if (value.kind === "object" || value.kind === "list") return true
  return (
    value.kind === "call" &&
    /^(?:Set|Map|WeakSet|set|dict|list|deque|defaultdict|OrderedDict|make|HashSet|HashMap|ConcurrentHashMap|LinkedHashSet|LinkedHashMap|newKeySet|newSetFromMap|synchronizedSet|synchronizedMap|mutableSetOf|mutableMapOf|hashSetOf|hashMapOf|ConcurrentSkipListSet|LRUCache|LRU|TTLCache|newSetFromMap|build|newBuilder|mutableListOf|ArrayList|setOf)$/.test(
      value.name,
    )
  )
}

/** Whether a function of this name is called within some code. */
export function callsWithin(file: File, body: Node, fn: Func): boolean {
  if (fn.name === "") return false
  return file.calls.some(
    (call) => call.name === fn.name && body.start <= call.start && call.end <= body.end,
  )
}

/** What the field of a class is made as. */
export function fieldValues(file: File, state: State): Node[] {
  return file.classes
    .filter((one) => one.name === state.owner)
    .flatMap((one) => one.fields.filter((field) => field.name.replace(/^#/, "") === state.name))
    .flatMap((field) => field.value ?? [])
}
