/** Guards that let one run at a time: a flag that is tested and set, a lock, a semaphore, a queue of one. */
import { walk } from "../ir/children.ts"
import type { Call, Node } from "../ir/nodes.ts"
import type { File } from "./file.ts"
import { dotted } from "./names.ts"
import type { Program } from "./program.ts"
import { resolveCall } from "./resolve.ts"

const LOCKS =
  /^(?:tryLock|TryLock|tryAcquire|TryAcquire|compareAndSet|CompareAndSwap\w*|runExclusive|withLock|acquire|Acquire|Lock|lock|withMutex|singleflight|Do|pLimit|throttle|debounce|trySet\w*|tryClaim\w*|acquire\w*Lock|isLocked|locked|mutex|updateMany|setIfAbsent|SetNX|setnx)$/

interface Seen {
  readonly tested: Set<string>
  readonly assigned: Set<string>
  /** Variables of the round itself: they say nothing about another round. */
  readonly own: Set<string>
  hasLock: boolean
}

/** Whether code, or what it calls within this many steps, runs only when no other run is under way. */
export function isGuarded(program: Program, file: File, body: Node, depth = 2): boolean {
  const seen: Seen = { tested: new Set(), assigned: new Set(), own: new Set(), hasLock: false }
  collect(program, file, body, depth, seen)
  return (
    seen.hasLock || [...seen.tested].some((name) => seen.assigned.has(name) && !seen.own.has(name))
  )
}

function collect(program: Program, file: File, body: Node, depth: number, seen: Seen): void {
  walk(body, (node) => {
    if (seen.hasLock) return false
    if (node.kind === "if" || node.kind === "conditional") addAll(seen.tested, namesIn(node.test))
    else if (node.kind === "binary" && /^(?:&&|\|\||\?\?)$/.test(node.op))
      addAll(seen.tested, namesIn(node.left))
    else if (node.kind === "assign")
      addAll(node.declares ? seen.own : seen.assigned, node.targets.map(lastName))
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

function ofCall(program: Program, file: File, call: Call, depth: number, seen: Seen): void {
  if (LOCKS.test(call.name)) seen.hasLock = true
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
    return node.kind !== "call"
  })
  return names
}

function lastName(node: Node): string {
  return node.kind === "name" || node.kind === "member" ? node.name : ""
}
