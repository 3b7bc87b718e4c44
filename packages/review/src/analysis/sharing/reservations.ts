/**
 * Places under a limit: where code finds one free, what takes it, and whether what takes it looks again.
 */
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { checksIn, type Change, type Check } from "./counters.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { isCalledHeld, shareSection } from "./sections.ts"
import { courseOf, isCooperative, runsInPlace, yieldBetween } from "../program/yields.ts"

/** A check with the code that runs when there is room. */
export interface Guard {
  readonly check: Check
  readonly fn: Func
  /** Where to look for what takes the place. */
  readonly region: Node
  readonly from: number
}

export function guardsOf(program: Program, file: File): Guard[] {
  const found: Guard[] = []
  for (const node of file.branches) {
    const fn = node.test && courseOf(file, node)
    if (!node.test || !fn?.body) continue
    // Among threads a loop that goes on while there is room paces its own work.
    const isPacing = node.kind === "loop" && !isCooperative(file, fn)
    for (const check of checksIn(program, file, node.test)) {
      const region = regionOf(node, check.isFullWhenTrue, fn)
      if (!region || (isPacing && !check.isFullWhenTrue)) continue
      // A loop asks again after every wait within it.
      const from = node.kind === "loop" && region === fn.body ? node.end : node.test.end
      found.push({ check, fn, region, from: Math.max(from, check.at.end) })
      if (node.kind === "if" && !check.isFullWhenTrue && !node.otherwise && region === node.then)
        found.push(...afterWaiting(file, node, check, fn))
    }
  }
  return found
}

/** `if (n < max) { n++; return }`, then a wait for room: who is woken has the place only when he looks again. */
function afterWaiting(file: File, node: Node & { kind: "if" }, check: Check, fn: Func): Guard[] {
  if (!isCooperative(file, fn) || !leaves(node.then.body, "round") || check.reading.isRemote)
    return []
  return [{ check, fn, region: fn.body!, from: node.end }]
}

/**
 * What runs when a test lets one through: the branch, or what follows a branch that leaves.
 * @param isClosed - whether the test holds when there is no way through
 */
export function regionOf(
  node: Node & { kind: "if" | "loop" },
  isClosed: boolean,
  fn: Func,
): Node | null {
  if (node.kind === "loop") return isClosed ? fn.body : node.body
  if (!isClosed) {
    const isElseAway = node.otherwise !== null && leaves(node.otherwise.body, "round")
    return isElseAway ? fn.body : node.then
  }
  if (node.otherwise) return node.otherwise
  return leaves(node.then.body, "round") || waits(node.then) ? fn.body : null
}

/** Whether a branch waits for room instead of leaving. */
function waits(node: Node): boolean {
  let found = false
  walk(node, (one) => {
    if (one.kind === "function") return false
    if (one.kind === "await") found = true
    return !found
  })
  return found
}

/** What takes the place in the course of the function: the change itself, or a call that makes it. */
export interface Act {
  readonly at: Node
  readonly change: Change
}

/** An increment in the course of a called function, two calls deep. */
function upWithin(
  program: Program,
  file: File,
  call: Call,
  ups: readonly Change[],
  depth = 2,
): Change | null {
  if (depth === 0 || /^(?:log|debug|info|warn|error)$/.test(call.name)) return null
  for (const target of resolveCall(program, file, call)) {
    const own = ups.find(
      (one) =>
        one.file.path === target.file.path &&
        one.at.start >= target.fn.start &&
        one.at.end <= target.fn.end &&
        courseOf(one.file, one.at)?.start === target.fn.start,
    )
    if (own) return own
    if (depth < 2 || !target.fn.body) continue
    for (const inner of target.file.calls) {
      if (inner.start < target.fn.start || inner.end > target.fn.end) continue
      if (courseOf(target.file, inner)?.start !== target.fn.start) continue
      const change = upWithin(program, target.file, inner, ups, depth - 1)
      if (change) return change
    }
  }
  return null
}

/** Whether the same limit is checked again between the check and the act. */
function isGovernedByAnother(program: Program, file: File, guard: Guard, act: Act): boolean {
  const { key } = guard.check.reading.state
  return guardsWithin(program, file, guard.fn).some(
    (check) =>
      check.reading.state.key === key &&
      check.at.start > guard.from &&
      check.at.end <= act.at.start,
  )
}

function guardsWithin(program: Program, file: File, fn: Func): Check[] {
  const found: Check[] = []
  walk(fn, (node) => {
    if ((node.kind === "if" || node.kind === "loop") && node.test)
      found.push(...checksIn(program, file, node.test))
    if (node.kind === "conditional") found.push(...checksIn(program, file, node.test))
  })
  return found
}

/** `if n.Add(1) > limit`, `max > count.incrementAndGet()`: the increment is the check. */
export function isCompared(file: File, at: Node): boolean {
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind === "binary" && /^(?:>=?|<=?|[!=]==?)$/.test(outer.op)) return true
    if (outer.kind === "assign" && outer.value === at && outer.declares)
      return outer.targets.some((one) => one.kind === "name" && isLookedAt(file, one.name, outer))
    if (outer.kind === "call" && /compareAndSet|CompareAndSwap/.test(outer.name)) return true
    if (outer.kind === "block" || outer.kind === "function") return false
  }
  return false
}

/** Whether what an increment gave is tested later, or handed to who asked. */
function isLookedAt(file: File, name: string, from: Node): boolean {
  const fn = file.functionOf(from)
  if (!fn) return true
  let looked = false
  const names = (root: Node): void => {
    walk(root, (node) => {
      if (node.kind === "name" && node.name === name) looked = true
      return !looked
    })
  }
  walk(fn, (node) => {
    if (looked || node.end <= from.end) return false
    if ((node.kind === "if" || node.kind === "loop") && node.test) names(node.test)
    if (node.kind === "binary" && /^(?:>=?|<=?|[!=]==?)$/.test(node.op)) names(node)
    if (node.kind === "conditional") names(node.test)
    if (node.kind === "switch" && node.subject) names(node.subject)
    if (node.kind === "return" && node.value?.kind !== "call" && node.value) names(node.value)
    return !looked
  })
  return looked
}

/** The first increment after the check that the check governs, itself or through a function that is called. */
export function firstAct(
  program: Program,
  file: File,
  guard: Guard,
  ups: readonly Change[],
): Act | null {
  let found: Act | null = null
  walk(guard.region, (node) => {
    if (found || node.end <= guard.from) return false
    if (node.kind === "function" && !(node.isLambda && runsInPlace(file, node))) return false
    if (node.kind === "go") return false
    const direct = ups.find((one) => one.at === node && one.file === file)
    if (direct && node.start >= guard.from) found = { at: node, change: direct }
    else if (node.kind === "call" && node.start >= guard.from) {
      const change = upWithin(program, file, node, ups)
      if (change) found = { at: node, change }
    }
    return !found
  })
  return found && isGovernedByAnother(program, file, guard, found) ? null : found
}

/** Whether the increment is preceded by its own check in the function that holds it, with nothing in between. */
export function isReserved(program: Program, change: Change): boolean {
  const fn = courseOf(change.file, change.at)
  if (!fn) return false
  if (isCompared(change.file, change.at)) return true
  const own = guardsWithin(program, change.file, fn).filter(
    (check) => check.reading.state.key === change.state.key && check.at.start < change.at.start,
  )
  const last = own.at(-1)
  if (!last) return false
  if (isCooperative(change.file, fn))
    return !yieldBetween(program, change.file, fn, last.at.end, change.at)
  return (
    shareSection(program, change.file, last.at, change.at) ||
    isCalledHeld(program, { file: change.file, fn })
  )
}

/** A small function that only counts is checked by those who call it. */
export function isReservedAnywhere(program: Program, up: Change): boolean {
  if (isReserved(program, up)) return true
  const fn = courseOf(up.file, up.at)
  if (!fn || (fn.body?.body.length ?? 0) > 3) return false
  return program.sourcesCalling(fn.name).some((source) => {
    const from = program.file(source.path)
    if (!from || from.language !== up.file.language) return false
    return from.calls.some((call) => {
      const around = call.name === fn.name ? courseOf(from, call) : null
      if (!around) return false
      return guardsWithin(program, from, around).some(
        (check) =>
          check.reading.state.key === up.state.key &&
          check.at.end <= call.start &&
          shareSection(program, from, check.at, call),
      )
    })
  })
}
