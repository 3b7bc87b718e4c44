/** Guards that let one run at a time: a flag that is tested and set, a lock, a semaphore, a queue of one. */
import { walk } from "../ir/children.ts"
import type { Node } from "../ir/nodes.ts"
import type { File } from "./file.ts"
import { dotted } from "./names.ts"
import type { Program } from "./program.ts"
import { resolveCall } from "./resolve.ts"

const LOCKS =
  /^(?:tryLock|TryLock|tryAcquire|TryAcquire|compareAndSet|CompareAndSwap\w*|runExclusive|withLock|acquire|Acquire|Lock|lock|withMutex|singleflight|Do|pLimit|throttle|debounce|trySet\w*|tryClaim\w*|acquire\w*Lock|isLocked|locked|mutex|updateMany|setIfAbsent|SetNX|setnx)$/

/** Whether code, or what it calls within this many steps, runs only when no other run is under way. */
export function isGuarded(program: Program, file: File, body: Node, depth = 2): boolean {
  const tested = new Set<string>()
  const assigned = new Set<string>()
  // A variable of the round itself says nothing about another round.
  const own = new Set<string>()
  let found = false
  walk(body, (node) => {
    if (found) return false
    if (node.kind === "if" || node.kind === "conditional")
      for (const name of namesIn(node.test)) tested.add(name)
    if (node.kind === "binary" && (node.op === "&&" || node.op === "||" || node.op === "??")) {
      for (const name of namesIn(node.left)) tested.add(name)
    }
    if (node.kind === "assign") {
      for (const target of node.targets) (node.declares ? own : assigned).add(lastName(target))
    }
    if (node.kind === "with" && node.form !== "resources") found = true
    if (node.kind === "send" || node.kind === "receive")
      found ||= /sem|slot|token|limit|busy/i.test(dotted(node.channel))
    if (node.kind === "call") {
      if (LOCKS.test(node.name)) found = true
      else if (depth > 0) {
        found ||= resolveCall(program, file, node).some(
          (target) =>
            target.fn.body !== null &&
            target.fn.body !== body &&
            isGuarded(program, target.file, target.fn.body, depth - 1),
        )
      }
    }
    return undefined
  })
  return found || [...tested].some((name) => assigned.has(name) && !own.has(name))
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
