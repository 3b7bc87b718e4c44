/** Guards that let one run at a time: a flag that is tested and set, a lock, a semaphore, a queue of one. */
import { walk } from "../../ir/children.ts"
import type { Assign, Call, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

const LOCKS =
  /^(?:tryLock|TryLock|tryAcquire|TryAcquire|compareAndSet|CompareAndSwap\w*|runExclusive|withLock|acquire|Acquire|Lock|lock|withMutex|singleflight|Do|pLimit|throttle|debounce|trySet\w*|tryClaim\w*|acquire\w*Lock|isLocked|locked|mutex|updateMany|setIfAbsent|SetNX|setnx)$/

/** What says that something is there, not that a round is under way. */
const STANDING = /exists?$|initiali[sz]ed$|configured$|available$/i

interface Seen {
  readonly tested: Set<string>
  /** What was put into each name. */
  readonly assigned: Map<string, Set<Put>>
  /** Variables of the round itself: they say nothing about another round. */
  readonly own: Set<string>
  hasLock: boolean
}

/** What a flag is set to; a promise that others wait for comes and goes, and so does the time of the last round. */
type Put = "on" | "off" | "count" | "time" | "other"

/** Whether code, or what it calls within this many steps, runs only when no other run is under way. */
export function isGuarded(program: Program, file: File, body: Node, depth = 2): boolean {
  const seen: Seen = { tested: new Set(), assigned: new Map(), own: new Set(), hasLock: false }
  collect(program, file, body, depth, seen)
  return isHeldBack(seen)
}

/** Whether code itself asks; what it calls may set the flag. A guard within a call lets the rest go on. */
export function asksItself(program: Program, file: File, body: Node): boolean {
  const own: Seen = { tested: new Set(), assigned: new Map(), own: new Set(), hasLock: false }
  collect(program, file, body, 0, own)
  if (isHeldBack(own)) return true
  const all: Seen = { ...own, assigned: new Map(), own: new Set() }
  const { tested } = own
  collect(program, file, body, 2, { ...all, tested: new Set() })
  return [...tested].some((name) => !own.own.has(name) && isFlag(all, name))
}

/** Whether a function lets one run at a time: it asks itself, or what it calls takes a lock. A table that is made once lets the rest go on. */
export function holdsBack(program: Program, file: File, body: Node): boolean {
  if (asksItself(program, file, body)) return true
  const seen: Seen = { tested: new Set(), assigned: new Map(), own: new Set(), hasLock: false }
  collect(program, file, body, 1, seen)
  return seen.hasLock
}

function isHeldBack(seen: Seen): boolean {
  return seen.hasLock || [...seen.tested].some((name) => !seen.own.has(name) && isFlag(seen, name))
}

/** A name that is switched on and off, or that holds something for a while. What is only switched on is done once. */
function isFlag({ assigned }: Seen, name: string): boolean {
  const puts = assigned.get(name)
  if (!puts || STANDING.test(name)) return false
  if (puts.has("count") || puts.has("time")) return true
  return puts.has("off") && (puts.has("on") || puts.has("other"))
}

function putOf({ op, value }: Assign): Put {
  // `running++`
  if (op !== "=" || value === null) return "count"
  if (value.kind === "bool") return value.value ? "on" : "off"
  if (value.kind === "null" || dotted(value) === "undefined") return "off"
  const isTime = value.kind === "call" && /^(?:now|Now|time|Date|AbortController)$/.test(value.name)
  return isTime ? "time" : "other"
}

function collect(program: Program, file: File, body: Node, depth: number, seen: Seen): void {
  walk(body, (node) => {
    if (seen.hasLock) return false
    if (node.kind === "if" || node.kind === "conditional") addAll(seen.tested, namesIn(node.test))
    else if (node.kind === "binary" && /^(?:&&|\|\||\?\?)$/.test(node.op))
      addAll(seen.tested, namesIn(node.left))
    else if (node.kind === "assign") ofAssign(node, seen)
    else if (node.kind === "with" && node.form !== "resources")
      seen.hasLock ||= /lock|mutex|sem|limit|this/i.test(
        file.text.slice(node.start, node.body.start),
      )
    else if (node.kind === "send" || node.kind === "receive")
      seen.hasLock ||= /sem|slot|token|limit|busy/i.test(dotted(node.channel))
    else if (node.kind === "call") ofCall(program, file, node, depth, seen)
    return undefined
  })
}

function ofAssign(assign: Assign, seen: Seen): void {
  const names = assign.targets.map(lastName)
  if (assign.declares) addAll(seen.own, names)
  else for (const name of names) put(seen, name, putOf(assign))
}

function put({ assigned }: Seen, name: string, what: Put): void {
  assigned.set(name, (assigned.get(name) ?? new Set()).add(what))
}

function ofCall(program: Program, file: File, call: Call, depth: number, seen: Seen): void {
  if (LOCKS.test(call.name)) seen.hasLock = true
  // `if (running.has(id)) return`, `running.add(id)`, `running.delete(id)`
  else if (/^(?:add|set|delete)$/.test(call.name) && call.callee.kind === "member")
    put(seen, `${lastName(call.callee.object)}.has`, call.name === "delete" ? "off" : "on")
  else if (depth > 0) {
    for (const { file: at, fn } of resolveCall(program, file, call)) {
      if (fn.body) collect(program, at, fn.body, depth - 1, seen)
    }
  }
}

function addAll(set: Set<string>, names: readonly string[]): void {
  for (const name of names) if (name !== "") set.add(name)
}

function namesIn(test: Node): string[] {
  const names: string[] = []
  walk(test, (node) => {
    if (node.kind === "name" || node.kind === "member") names.push(lastName(node))
    if (node.kind === "call" && node.name === "has" && node.callee.kind === "member")
      names.push(`${lastName(node.callee.object)}.has`)
    return node.kind !== "call"
  })
  return names
}

function lastName(node: Node): string {
  return node.kind === "name" || node.kind === "member" ? node.name : ""
}
