/** Where the delay of a wait is made: what has to be changed, and what is shown of it. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { growsByCount } from "./backoffs.ts"
import { type Definition, definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { assignmentsIn, resolveCall } from "../program/resolve.ts"
import type { Round } from "./retries.ts"
import { type Wait, waitsOf } from "./waits.ts"

/** Waits of a language or its libraries, which add nothing of their own to the time. */
export const PLATFORM =
  /^(?:Thread|TimeUnit(?:\.\w+)?|LockSupport|time|asyncio|trio|gevent|anyio)\.\w+$|^(?:setTimeout|delay)$/

/** `pause(attempt)`, whose body waits for `2 ** attempt`: the growth stands in the helper. */
export function grownBehind(program: Program, file: File, wait: Wait): Definition | null {
  if (PLATFORM.test(dotted(wait.call.callee))) return null
  for (const { file: at, fn } of resolveCall(program, file, wait.call)) {
    const grown = waitsOf(program, at).find(
      ({ call, delay }) => call.start >= fn.start && call.end <= fn.end && growsByCount(delay),
    )
    if (grown) return { file: at, value: grown.delay, at: grown.delay, op: "=" }
  }
  return null
}

/** Where the delay grows or is set: what has to be changed. The wait itself when it says all. */
export function definitionShown(
  program: Program,
  file: File,
  wait: Wait,
  round: Round,
): Definition | null {
  const named = nameWithin(wait.delay)
  const definitions = definitionsOf(program, file, named).filter(
    (one) =>
      one.file === file && !one.isParam && !(one.value?.kind === "number" && one.value.value === 0),
  )
  const within = file.methodOf(wait.call)
  const near = definitions.filter(
    (one) => within && one.at.start >= within.start && one.at.end <= within.end,
  )
  const loop = round.around
  const inLoop = near.filter(
    (one) => loop?.kind === "loop" && one.at.start > loop.start && one.at.end <= loop.end,
  )
  const chosen =
    inLoop.find(grows) ??
    inLoop[0] ??
    near.find(grows) ??
    near.find((one) => one.value?.kind === "call") ??
    near[0] ??
    null
  const call = chosen ? chosen.value : named
  const growth = call?.kind === "call" ? growthWithin(program, file, call) : null
  if (growth || !chosen || grows(chosen)) return growth ?? chosen
  // A plain value that stands far away says less than the wait.
  const between = file.text.slice(chosen.at.start, wait.call.start)
  return between.split("\n").length > FAR_LINES ? null : chosen
}

/** `return min(base * 2 ** attempt, cap)` */
function growthReturned(fn: Func): Node | null {
  let found: Node | null = null
  walk(fn, (node) => {
    if (node.kind === "return" && node.value && growsByCount(node.value)) found ??= node.value
    return found === null && (node === fn || node.kind !== "function")
  })
  return found
}

/** More than a screen's half between a name and where it is used. */
const FAR_LINES = 25

/** `waitMs / 1000`, `Math.floor(delay)`: what the delay is made of, whatever its unit. */
export function nameWithin(node: Node): Node {
  if (node.kind === "binary" && /^[*/]$/.test(node.op) && node.right.kind === "number")
    return nameWithin(node.left)
  if (
    node.kind === "call" &&
    node.args.length === 1 &&
    /^(?:floor|round|ceil|int|float|trunc|Number|timedelta)$/.test(node.name)
  )
    return nameWithin(node.args[0]!)
  return node
}

function grows({ op, value }: { readonly op: string; readonly value: Node | null }): boolean {
  // A counter that goes up by one is none.
  if (op !== "=") return !(op === "+=" && value?.kind === "number")
  let found = false
  if (value) {
    walk(value, (node) => {
      if (node.kind === "binary" && /^(?:\*|\*\*|<<)$/.test(node.op)) found ||= !isPlain(node)
      return !found
    })
  }
  return found
}

/** `2 * time.Second` is as long each time. */
function isPlain({ left, right }: Node & { kind: "binary" }): boolean {
  return [left, right].every(
    (side) =>
      side.kind === "number" || (side.kind === "member" && /^[A-Z]\w+s?econd$/.test(side.name)),
  )
}

/** The growth in a function of this file that computes the delay. */
function growthWithin(program: Program, file: File, call: Call): Definition | null {
  for (const target of resolveCall(program, file, call)) {
    if (target.file !== file) continue
    const at = assignmentsIn(file, target.fn).find(grows)
    if (at) return { file, value: at.value, at, op: at.op }
    const returned = growthReturned(target.fn)
    if (returned) return { file, value: returned, at: returned, op: "=" }
  }
  return null
}
