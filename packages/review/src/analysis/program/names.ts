/** Names as a reader would say them: `time.Sleep`, `this.redis.set`. */
import type { Call, Node } from "../../ir/nodes.ts"

/** The dotted name of an expression; calls and indexes within show as `()` and `[]`; "" for what has no name. */
export function dotted(node: Node): string {
  switch (node.kind) {
    case "name":
      return node.name
    case "member": {
      const object = dotted(node.object)
      return object === "" ? node.name : `${object}.${node.name}`
    }
    case "index":
      return `${dotted(node.object)}[]`
    case "call":
      return `${dotted(node.callee)}()`
    case "await":
      return dotted(node.value)
    case "unary":
      return dotted(node.operand)
    default:
      return ""
  }
}

/** What a call is called on: `redis` of `redis.set(…)`, null of `set(…)`. */
export function receiverOf(call: Call): Node | null {
  return call.callee.kind === "member" ? call.callee.object : null
}

/** The first name of a dotted expression: `this`, a variable, a package. */
export function rootOf(node: Node): string | null {
  for (let at: Node = node; ;) {
    if (at.kind === "name") return at.name
    if (at.kind === "member" || at.kind === "index") at = at.object
    else if (at.kind === "call") at = at.callee
    else if (at.kind === "await") at = at.value
    else if (at.kind === "unary") at = at.operand
    else return null
  }
}

/** The words of a name: `maxRetryDelay`, `max_retry_delay` and `MAX_RETRY_DELAY` all have `retry`. Lower case. */
export function wordsOf(name: string): readonly string[] {
  let words = WORDS.get(name)
  if (!words) {
    words = split(name)
    if (WORDS.size >= MAX_NAMES) WORDS.clear()
    WORDS.set(name, words)
  }
  return words
}

/** Names come again and again, in all files. */
const WORDS = new Map<string, readonly string[]>()
const MAX_NAMES = 20_000

function split(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .split(/[^A-Za-z0-9]+|\s+/)
    .filter((word) => word !== "")
    .map((word) => word.toLowerCase())
}

/** A named argument, or the value of a key of an object argument; null where there is none. */
export function argNamed(call: Call, ...names: readonly string[]): Node | null {
  for (const arg of call.args) {
    if (arg.kind === "named" && names.includes(arg.name)) return arg.value
    if (arg.kind === "object") {
      const entry = arg.entries.find((one) => one.key !== null && names.includes(one.key))
      if (entry) return entry.value
    }
  }
  return null
}

/** Positional arguments. */
export function positional(call: Call): Node[] {
  return call.args.filter((arg) => arg.kind !== "named")
}
