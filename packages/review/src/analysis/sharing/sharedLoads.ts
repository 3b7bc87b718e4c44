/** Loads of what a cache misses: whether those who miss share one, and whether what is put is what was loaded. */
import type { Assign, Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { withoutComments } from "../program/comments.ts"
import { callersOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { boundNames } from "./heldLocks.ts"
import { dotted, receiverOf, rootOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"

/** What lets one load for all: flights that are shared, libraries that do it. */
const SHARED =
  /single_?flight|\bgroup\.Do\(|in_?flight|coalesc|dedup|dogpile|stale_?while|\bswr\b|getOrSet|get_or_set|computeIfAbsent|LoadingCache|set_?nx|setIfAbsent|\bnx\s*[:=]|xfetch|refresh_?ahead|early_?(?:expir|refresh)|jitteredBeta|memoize|(?:pending|promises?|flights?|loading)\w*\.(?:get|has|set)\(|\bpending\w*\[|\b(?:is_?|_)?(?:loading|fetching|refreshing|computing|revalidating)\b/i
/** Locks, which let one load for all where they are held during the load. */
const LOCKS =
  /with_?lock|\.r?lock\(|\bR?Lock\(|mutex|synchronized|acquire|semaphore|\bwith\b[^\n:]{0,60}lock/i
const TAKES = /^(?:R?Lock|r?lock|acquire|lockInterruptibly|readLock|writeLock)$/
const GIVES = /^(?:R?Unlock|r?unlock|release)$/
/** Whether those who miss at the same time share one load. */
export function isCoalesced(program: Program, file: File, fn: Func, load: Call): boolean {
  const text = saidIn(file, fn)
  if (SHARED.test(text) || fn.modifiers.includes("synchronized")) return true
  if (LOCKS.test(text) && !isOutsideLocks(file, fn, load)) return true
  return callersOf(program, { file, fn }).some((site) => {
    for (const outer of site.file.ancestorsOf(site.call)) {
      if (outer.kind === "call") {
        const name = `${dotted(outer.callee)}(`
        if (SHARED.test(name) || LOCKS.test(name)) return true
      }
      if (outer.kind === "function" && !outer.isLambda) return false
    }
    return false
  })
}

/** Ages that a header tells other caches, which coalesce nothing here. */
const HEADERS = /["'`][^"'`\n]{0,80}(?:max-?age|s-maxage)\s*=[^"'`\n]{0,160}["'`]/gi

/** What a function does, without its own name and what is only said: a helper called getOrSet shares nothing by that. */
function saidIn(file: File, fn: Func): string {
  const text = withoutComments(file, fn).replaceAll(HEADERS, "")
  return fn.name === "" ? text : text.replace(fn.name, "")
}

/** Whether every lock of a function is given back before the load: it guards the entries, not the load. */
function isOutsideLocks(file: File, fn: Func, load: Call): boolean {
  const before = file.calls.filter((call) => call.start >= fn.start && call.end <= load.start)
  const takes = before.filter((call) => TAKES.test(call.name))
  let sites = takes.length
  for (const take of takes) {
    const on = receiverOf(take)
    const isGiven = before.some(
      (call) =>
        GIVES.test(call.name) &&
        call.start > take.end &&
        file.parentOf(call)?.kind !== "defer" &&
        on !== null &&
        receiverOf(call) !== null &&
        dotted(receiverOf(call)!) === dotted(on),
    )
    if (!isGiven) return false
  }
  let isHeld = false
  walk(fn, (node) => {
    if (node.kind !== "with") return undefined
    if (!/lock|mutex|sem|cond|\bthis\b/i.test(file.text.slice(node.start, node.start + 80)))
      return undefined
    sites++
    if (node.start <= load.start && load.end <= node.end) isHeld = true
    return undefined
  })
  return sites > 0 && !isHeld
}

/** Whether what is put comes from the load, as far as names tell. */
export function isPut(file: File, fn: Func, load: Call, write: Call | Assign): boolean {
  if (isPartOf(load, write)) return true
  const names = boundNames(file, load).filter((name) => !/^(?:err|error|ok)$/.test(name))
  // What is loaded and handed on in one expression is not followed.
  if (names.length === 0) return !isStatement(file, load)
  const known = new Set(names.map((name) => name.split(".")[0]!))
  const learn = (node: Node | undefined): void => {
    const root = node && rootOf(node.kind === "unary" ? node.operand : node)
    if (root) known.add(root)
  }
  walk(fn, (node) => {
    if (node.start >= write.start) return false
    if (node.end <= load.start) return undefined
    if (node.kind === "assign" && node.value && mentionsOne(node.value, known))
      for (const target of node.targets) learn(target)
    if (node.kind === "loop" && node.iterable && mentionsOne(node.iterable, known))
      for (const binding of node.bindings) learn(binding)
    const on = node.kind === "call" ? receiverOf(node) : null
    if (
      node.kind === "call" &&
      [...node.args, ...(on ? [on] : [])].some((one) => mentionsOne(one, known))
    ) {
      learn(on ?? undefined)
      for (const arg of node.args) if (arg.kind === "unary" && arg.op === "&") learn(arg)
    }
    return undefined
  })
  const put = write.kind === "call" ? write.args.slice(1) : write.value ? [write.value] : []
  return put.some((one) => mentionsOne(one, known))
}

function mentionsOne(node: Node, names: ReadonlySet<string>): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "name" && names.has(one.name)) found = true
    return !found
  })
  return found
}

/** A call whose result nobody looks at, or only for its error, loads nothing. */
function isStatement(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "await") continue
    return outer.kind === "block" || outer.kind === "assign" || outer.kind === "if"
  }
  return false
}

/** Whether a call stands within a node. */
export function isPartOf(call: Call, whole: Node): boolean {
  let found = false
  walk(whole, (node) => {
    if (node === call) found = true
    return !found
  })
  return found
}
