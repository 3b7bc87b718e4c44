/** Values of stores of keys that are read, changed and written under the same key again. */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { arithmeticOn, columnRead } from "../rows/arithmetic.ts"
import type { File } from "../program/file.ts"
import { mergeOn } from "../rows/merges.ts"
import { dotted, receiverOf, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { derivedFrom } from "../rows/rowResults.ts"
import type { RowCall } from "../rows/rowCall.ts"
import { storeCallsOf } from "./storeCalls.ts"
import { unitAround } from "../program/units.ts"

export interface StoreUpdate {
  readonly fn: Func
  /** As written. */
  readonly key: string
  readonly read: RowCall
  readonly names: readonly string[]
  /** Where the new value is computed. */
  readonly at: Node
  readonly write: Call
}

/** Redis and other stores of keys: get, compute, set. */
export function storeUpdates(program: Program, file: File): StoreUpdate[] {
  return [...inNamedStores(program, file), ...inOwnStores(program, file)]
}

function inNamedStores(program: Program, file: File): StoreUpdate[] {
  const calls = storeCallsOf(program, file)
  return calls.flatMap((read) => {
    const fn = unitAround(file, read.call)
    if (read.kind !== "read" || !fn) return []
    const key = file.textOf(read.key)
    const names = namesOf(file, read.call)
    const write = calls.find(
      (one) =>
        one.kind === "write" &&
        one.call.start > read.call.end &&
        one.call.end <= fn.end &&
        file.textOf(one.key) === key,
    )
    if (!write?.value || names.length === 0 || isAtOnce(file, read.call, write.call)) return []
    const row = rowOfStore(read.call, names)
    const at = arithmeticOn(program, file, write.value, (node) => columnRead(row, node, null))
    const isScripted = calls.some(
      (one) => one.kind === "script" && one.call.start > fn.start && one.call.end <= fn.end,
    )
    return at && !isScripted ? [{ fn, key, read: row, names, at, write: write.call }] : []
  })
}

/** A map of the process itself: nobody waits for what it gives, so nobody else runs in between. */
function isAtOnce(file: File, read: Call, write: Call): boolean {
  if (file.language !== "javascript" && file.language !== "typescript") return false
  const isBare = (call: Call): boolean => {
    if (call.args.some((arg) => arg.kind === "lambda")) return false
    for (const outer of file.ancestorsOf(call)) {
      if (outer.kind === "await" || (outer.kind === "member" && outer.name === "then")) return false
      if (outer.kind === "block") break
    }
    return true
  }
  return isBare(read) && isBare(write)
}

const READS = /^(?:get|find|findById|findOne|load|read|fetch|getItem|Get|Find|FindById|Load|hget)$/
const WRITES = /^(?:set|save|put|store|write|update|setItem|upsert|Set|Save|Put|Store|hset)$/
const STORES = new Set("kv kvs store storage repo repository dao bucket state states db".split(" "))

/** Stores that the repository made itself: what they are called, and that they are waited for, tells them from maps. */
function inOwnStores(program: Program, file: File): StoreUpdate[] {
  return file.calls.flatMap((read) => {
    const on = READS.test(read.name) ? receiverOf(read) : null
    const fn = on && unitAround(file, read)
    if (!on || !fn || read.args.length === 0 || !isStore(file, fn, on, read)) return []
    const names = namesOf(file, read)
    const keys = read.args.map((arg) => file.textOf(arg))
    const write = file.calls.find(
      (call) =>
        WRITES.test(call.name) &&
        call.start > read.end &&
        call.end <= fn.end &&
        call.args.length === keys.length + 1 &&
        keys.every((key, index) => file.textOf(call.args[index]!) === key) &&
        dotted(receiverOf(call) ?? call) === dotted(on),
    )
    if (!write || names.length === 0) return []
    const row = rowOfStore(read, names)
    const value = write.args.at(-1)!
    const isIt = (node: Node): boolean => columnRead(row, node, null)
    const at =
      arithmeticOn(program, file, value, isIt) ??
      mergeOn(program, file, value, isIt) ??
      folded(value, names)
    return at ? [{ fn, key: keys.join(", "), read: row, names, at, write }] : []
  })
}

/** `view.evolve(state, event)`: the next state is made of the whole of the last. */
function folded(value: Node, names: readonly string[]): Node | null {
  if (value.kind !== "call" || value.args.length < 2) return null
  if (
    !/^(?:evolve|reduce\w*|apply\w*|fold\w*|next\w*|handle\w*|transition\w*|advance)$/i.test(
      value.name,
    )
  )
    return null
  return value.args.some((arg) => arg.kind === "name" && names.includes(arg.name)) ? value : null
}

function isStore(file: File, fn: Func, on: Node, read: Call): boolean {
  const words = wordsOf(dotted(on))
  if (!STORES.has(words.at(-1) ?? "") && !/^kv$/i.test(words[0] ?? "")) return false
  const isWaitedFor = file.parentOf(read)?.kind === "await"
  if (file.language === "javascript" || file.language === "typescript") return isWaitedFor
  return file.language !== "python" || !fn.isAsync || isWaitedFor
}

function namesOf(file: File, call: Call): string[] {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "assign") {
      const names = outer.targets.flatMap((one) =>
        one.kind === "name" && !/^err$/.test(one.name) ? [one.name] : [],
      )
      return [...names, ...derivedFrom(file, call, names)]
    }
    if (outer.kind === "block") return []
  }
  return []
}

function rowOfStore(call: Call, results: readonly string[]): RowCall {
  return {
    kind: "read",
    call,
    query: null,
    table: null,
    where: [],
    sets: [],
    locks: false,
    isLimited: true,
    results,
  }
}
