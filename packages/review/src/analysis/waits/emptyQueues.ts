/** Loops that ask whether a queue is empty, and ask again at once while it is. */
import type { Call, Loop, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"

/** Where a queue is asked whether it is empty. */
export interface Asked {
  readonly file: File
  readonly at: Node
}

/**
 * The question of a loop that does nothing else while the answer is yes: `if q.empty(): continue`, all of the
 * loop in `while not q.empty():`, or the same in the function that the loop calls.
 */
export function emptyAsked(
  program: Program,
  file: File,
  loop: Loop,
  waits: (file: File, node: Node) => boolean,
): Asked | null {
  let rest = loop.body.body
  // The handler of a `try` is of no account: asking a queue does not fail.
  if (rest.length === 1 && rest[0]!.kind === "try" && !rest[0]!.finalizer) rest = rest[0]!.body.body
  const [first] = rest
  if (!first) return null
  const others = rest.slice(1)
  if (first.kind === "if" && saysEmpty(file, first.test, true)) {
    const then = first.then.body.filter((one) => !isNothing(file, one))
    // With an `else` and nothing after it, an empty queue falls through to the next round.
    const passes = then.length === 0 && others.length === 0
    const goesOn = then.length === 1 && then[0]!.kind === "continue"
    return passes || goesOn ? { file, at: first.test } : null
  }
  const isOnly = others.length === 0
  if (isOnly && first.kind === "if" && !first.otherwise && saysEmpty(file, first.test, false))
    return { file, at: first.test }
  if (isOnly && first.kind === "loop" && first.test && saysEmpty(file, first.test, false))
    return { file, at: first.test }
  if (first.kind !== "call" || others.some((one) => waits(file, one))) return null
  return askedBehind(program, file, first)
}

/** A function of the project that leaves at once when the queue is empty. */
function askedBehind(program: Program, file: File, call: Call): Asked | null {
  for (const { file: at, fn } of resolveCall(program, file, call)) {
    const first = fn.body?.body.find((one) => one.kind !== "string")
    if (first?.kind !== "if" || !saysEmpty(at, first.test, true)) continue
    const [only] = first.then.body
    if (first.then.body.length === 1 && only?.kind === "return") return { file: at, at: first.test }
  }
  return null
}

function isNothing(file: File, node: Node): boolean {
  return /^pass$/.test(file.textOf(node).trim())
}

function saysEmpty(file: File, test: Node, empty: boolean): boolean {
  const text = file.textOf(test).replace(/^\((.*)\)$/, "$1")
  const asks = empty
    ? /^[\w.]*q(?:ueue)?\w*\.(?:empty|isEmpty|is_empty)\(\)(?: is True| == True)?$/i
    : /^(?:not |!)\s*[\w.]*q(?:ueue)?\w*\.(?:empty|isEmpty|is_empty)\(\)$/i
  return asks.test(text)
}
