/** What bounds a loop of attempts: a cap, a deadline, a signal to stop. */
import { walk } from "../../ir/children.ts"
import type { Func, Loop, Node } from "../../ir/nodes.ts"
import type { File } from "../program/file.ts"
import { wordsOf } from "../program/names.ts"

const CAP_WORDS = new Set(
  "attempt attempts retry retries tries try count counter max limit remaining left failures failed deliveries delivery delivered redelivered round rounds budget times".split(
    " ",
  ),
)
const TIME_WORDS = new Set(
  "deadline elapsed timeout expires expiry until since now start started giveup".split(" "),
)
const STOP_WORDS = new Set(
  "stop stopped stopping running closed closing shutdown abort aborted cancelled canceled cancel active alive done quit exit ctx context signal interrupted terminated disposed destroyed isactive err".split(
    " ",
  ),
)

export interface Bounds {
  readonly hasCap: boolean
  readonly hasDeadline: boolean
  readonly hasStop: boolean
}

/** What a loop or a function compares before it goes on: counters, times, signals. */
export function boundsOf(file: File, around: Loop | Func): Bounds {
  let [hasCap, hasDeadline, hasStop] = [false, false, false]
  const look = (test: Node): void => {
    const words = namesIn(test).flatMap(wordsOf)
    hasCap ||= words.some((word) => CAP_WORDS.has(word)) || isCounting(test)
    hasDeadline ||= words.some((word) => TIME_WORDS.has(word))
    hasStop ||= words.some((word) => STOP_WORDS.has(word) && word !== "err")
  }
  if (around.kind === "function") hasCap = isRepeated(file, around)
  walk(around, (node) => {
    if (node.kind === "function" && node !== around && !node.isLambda) return false
    if (node.kind === "function" && node !== around) hasCap ||= isRepeated(file, node)
    if (node.kind === "if" || node.kind === "conditional") look(node.test)
    if (node.kind === "loop") {
      if (node.test) look(node.test)
      // `for _ in range(5)`, `for i in 1..5`, `for (const delay of delays)`, `repeat(5)`:
      // as many rounds as there are items.
      if (node === around && (node.form === "each" || node.iterable)) hasCap = true
    }
    if (node.kind === "select")
      hasStop ||= node.cases.some(
        (one) =>
          one.comm && /Done|stop|quit|clos|exit|shutdown|ctx|cancel/i.test(file.textOf(one.comm)),
      )
    if (
      node.kind === "call" &&
      /^(?:throwIfAborted|ensureActive|checkCancelled|checkpoint|checkStopped|WithTimeout|WithDeadline|withTimeout|timeout|wait_for)$/.test(
        node.name,
      )
    ) {
      hasStop = true
    }
    return undefined
  })
  return { hasCap, hasDeadline, hasStop }
}

/** Kotlin's `repeat(5) { … }`: as many rounds as it says. */
function isRepeated(file: File, fn: Func): boolean {
  const lambda = file.parentOf(fn)
  const call = lambda && file.parentOf(lambda)
  return call?.kind === "call" && call.name === "repeat" && call.args.length === 2
}

/** `n < 5`, `++i > MAX`: a number against a limit. */
function isCounting(test: Node): boolean {
  return (
    test.kind === "binary" &&
    /^[<>]=?$/.test(test.op) &&
    [test.left, test.right].some((side) => side.kind === "number" && side.value > 1)
  )
}

function namesIn(node: Node): string[] {
  const names: string[] = []
  walk(node, (one) => {
    if (one.kind === "name" || one.kind === "member") names.push(one.name)
    return undefined
  })
  return names
}
