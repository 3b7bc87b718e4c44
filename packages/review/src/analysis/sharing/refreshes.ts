/**
 * Tokens and the like that an object or a module keeps until they expire: where one that is too old is fetched anew, by
 * everyone who finds it so. `if (this.token && !expired) return this.token; return this.refresh()`.
 */
import type { Call, Func, If, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, wordsOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

export interface Refresh {
  readonly fn: Func
  readonly test: If
  /** What fetches it anew. */
  readonly load: Call
  readonly put: Node
  /** Where it is put; the function of the test, or the one that it calls. */
  readonly by: Func
  /** The field or the variable that keeps it; null where a store does. */
  readonly name: string | null
}

const ENDS =
  /[eE]xpir|[tT][tT][lL]|\bstale|[iI]s_?\w{0,12}[vV]alid|[hH]as_?[fF]resh|[nN]eeds_?[rR]efresh|[fF]etchedAt|fetched_at|[rR]efreshedAt|validUntil/
const KEPT = /^(?:tokens?|credentials?|jwt|jwks|jwts|certs?|secrets?|bearer|authorization|keyset)$/
/** What shares one fetch among all who wait for it. */
const SHARES =
  /\b(?!Promise\b)\w*[pP]romise\b|in_?flight|single_?flight|[pP]ending|[rR]efreshing\b|_task\b|[tT]ask\b\s*=|[lL]ock\b|[mM]utex|[sS]emaphore|synchronized|withLock|memoize|dedup|FOR UPDATE|for_update|[fF]orUpdate|advisory|\bcas[A-Z_]|compareAnd|optimistic/

export function refreshesOf(program: Program, file: File): Refresh[] {
  if (
    !/[tT]oken|[cC]redential|[jJ]wt|JWT|[jJ]wks|[sS]ecret/.test(file.text) ||
    !ENDS.test(file.text)
  )
    return []
  return file.functions.flatMap((fn) => {
    if (!fn.body || fn.isLambda) return []
    const text = file.textOf(fn)
    if (!ENDS.test(text) || SHARES.test(text)) return []
    const own = handsOver(file, fn) ? refreshOf(program, file, fn) : null
    return own ?? storedRefreshOf(file, fn) ?? []
  })
}

const REFRESHES = /^_?(?:do|exchange|request|try)?_?refresh\w*$/i
const KEEPS = /^_?(?:set|save|store|update|put|upsert|persist|write)\w*$/i
/** What stands for a grant that can be used once: `tokens.refreshToken`. */
const GRANT = /refresh_?token/i

/**
 * Tokens that are read from a store, and refreshed there when they have expired: two requests use the same refresh
 * token, and servers that rotate it refuse the second, or both.
 */
function storedRefreshOf(file: File, fn: Func): Refresh | null {
  const within = file.calls.filter((call) => call.start >= fn.start && call.end <= fn.end)
  const load = within.find(
    (call) => REFRESHES.test(call.name) && call.args.some((arg) => GRANT.test(file.textOf(arg))),
  )
  if (!load || file.functionOf(load) !== fn) return null
  const put = within.find(
    (call) =>
      call.start > load.end &&
      call.callee.kind === "member" &&
      // `user.save()`, `session.commit()`: what was read is kept with what was put into it.
      (call.args.length > 0 ? KEEPS.test(call.name) : /^(?:save|commit|flush)$/.test(call.name)),
  )
  const test = file.branches.find(
    (one): one is If =>
      one.kind === "if" &&
      one.start >= fn.start &&
      one.end <= fn.end &&
      one.test.end < load.start &&
      ENDS.test(file.textOf(one.test)),
  )
  if (!put || !test) return null
  // Handed out in its branch, or refreshed in it.
  const isHandedOut = leaves(test.then.body, "function") && test.end <= load.start
  const isWithin = test.then.start <= load.start && load.end <= test.then.end
  if (!isHandedOut && !isWithin) return null
  return { fn, test, load, put, by: fn, name: null }
}

/** Whether others run while a function waits. */
function handsOver(file: File, fn: Func): boolean {
  return fn.isAsync && /^(?:javascript|typescript|python|kotlin)$/.test(file.language)
}

function refreshOf(program: Program, file: File, fn: Func): Refresh | null {
  let found: Refresh | null = null
  walk(fn.body!, (node) => {
    if (found || node.kind === "function") return false
    if (node.kind !== "if" || !ENDS.test(file.text.slice(fn.start, node.test.end))) return undefined
    const name = keptIn(file, node.test)
    if (!name) return undefined
    const isHandedOut = returns(node.then, name)
    const region = isHandedOut
      ? { start: node.end, end: fn.end }
      : leaves(node.then.body)
        ? null
        : { start: node.then.start, end: node.then.end }
    if (region) found = loadIn(program, file, fn, node, region, name)
    return undefined
  })
  return found
}

/** The field or the variable of the module that a test looks at: `this.accessToken`, `accessToken`, `kept.token`. */
function keptIn(file: File, test: Node): string | null {
  let found: string | null = null
  walk(test, (node) => {
    if (found) return false
    if (node.kind !== "member" && node.kind !== "name") return undefined
    if (!isKept(file, node)) return node.kind === "member" ? false : undefined
    const words = wordsOf(node.name)
    if (words.some((word) => KEPT.test(word)) && !words.some((word) => ENDS.test(word)))
      found = dotted(node)
    return undefined
  })
  return found
}

/** What outlives the call: a field of the object, a variable of the module, a field of one. */
function isKept(file: File, node: Node & { kind: "member" | "name" }): boolean {
  const root = node.kind === "member" ? node.object : node
  if (root.kind !== "name") return false
  if (/^(?:this|self)$/.test(root.name)) return node.kind === "member"
  return isOfModule(file, root)
}

/** A variable that is assigned outside of functions and classes, and by none of those around that hides it. */
function isOfModule(file: File, { name, start }: Node & { kind: "name" }): boolean {
  const assigned = file.assignmentsTo(name)
  const isTop = (one: Node): boolean => !file.functionOf(one) && !file.classOf(one)
  return (
    assigned.some(isTop) &&
    !assigned.some((one) => {
      const fn = one.declares && !isTop(one) ? file.functionOf(one) : null
      if (fn === null || start < fn.start || fn.end < start) return false
      return !(file.language === "python" && file.textOf(fn).includes("global "))
    })
  )
}

function returns(block: Node, name: string): boolean {
  let found = false
  walk(block, (node) => {
    if (node.kind === "return" && node.value && dotted(node.value) === name) found = true
    return !found
  })
  return found
}

function loadIn(
  program: Program,
  file: File,
  fn: Func,
  test: If,
  region: { readonly start: number; readonly end: number },
  name: string,
): Refresh | null {
  const within = (node: Node): boolean => node.start >= region.start && node.end <= region.end
  const put = file.assignments.find(
    (one) => within(one) && one.targets.some((target) => dotted(target) === name),
  )
  for (const load of file.calls) {
    if (!within(load) || !isWaitedFor(file, load)) continue
    if (put && load.start < put.end) return { fn, test, load, put, by: fn, name }
    for (const target of resolveCall(program, file, load)) {
      if (target.file !== file || !target.fn.isAsync || target.fn === fn) continue
      const kept = putAfterWait(file, target.fn, name)
      if (kept && !SHARES.test(file.textOf(target.fn)))
        return { fn, test, load, put: kept, by: target.fn, name }
    }
  }
  return null
}

function isWaitedFor(file: File, call: Call): boolean {
  const parent = file.parentOf(call)
  return parent?.kind === "await" || parent?.kind === "return" || file.language === "kotlin"
}

/** Where a function keeps what it has waited for. */
function putAfterWait(file: File, fn: Func, name: string): Node | null {
  const put = file.assignments.find(
    (one) =>
      one.start >= fn.start &&
      one.end <= fn.end &&
      one.targets.some((target) => dotted(target) === name),
  )
  if (!put) return null
  let waits = file.language === "kotlin"
  walk(fn, (node) => {
    if (node.kind === "await" && node.start < put.end) waits = true
    return !waits
  })
  return waits ? put : null
}
