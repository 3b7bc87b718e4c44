/** Rounds of a loop whose pause a failure jumps over, and reads that fail at once on what is broken already. */
import type { Block, Call, Catch, Node, Try } from "../../ir/nodes.ts"
import { walk } from "../../ir/children.ts"
import { leaves } from "../program/failures.ts"
import type { File } from "../program/file.ts"
import { dotted, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { targetOf } from "../program/targets.ts"
import { waitOf } from "./waits.ts"

/** What takes the failure of a connection along with everything else. */
const TAKES_ALL =
  /^(?:Base)?Exception$|^Throwable$|^(?:\w+\.)*(?:\w*(?:IO|OS|Socket|Network|Connection|Request|Client|Api|API|HTTP|Http|Redis|Kafka|SQL|Sql|Operational|Runtime)\w*)?(?:Error|Exception)$/

/**
 * `try { work(); sleep(5) } catch { log }`: the call that comes before the pause, when its failure is passed over and
 * leads round without the pause. Null where nothing in the `try` pauses, or where what comes before waits itself.
 */
export function hurriedCall(
  program: Program,
  file: File,
  { body, catches }: Try,
  waits: (node: Node) => boolean,
): Call | null {
  const takesAll = catches.some(
    ({ types }) => types.length === 0 || types.some((type) => TAKES_ALL.test(type)),
  )
  if (!takesAll) return null
  let tried: Call | null = null
  for (const statement of body.body) {
    if (isPause(program, file, statement)) return tried
    if (waits(statement)) return null
    tried ??= firstRemote(program, file, statement)
  }
  return null
}

/** A statement that does nothing but let time pass. */
function isPause(program: Program, file: File, statement: Node): boolean {
  const call = statement.kind === "await" ? statement.value : statement
  if (call.kind !== "call") return false
  // `await new Promise((resolve) => setTimeout(resolve, 1000))`
  if (call.isNew && call.name === "Promise") return pausesWithin(program, file, call)
  return waitOf(program, file, call)?.form === "block"
}

function pausesWithin(program: Program, file: File, call: Call): boolean {
  let found = false
  walk(call, (node) => {
    if (node.kind === "call" && node !== call)
      found ||= waitOf(program, file, node)?.form === "timer"
    return !found
  })
  return found
}

function firstRemote(program: Program, file: File, statement: Node): Call | null {
  let found: Call | null = null
  walk(statement, (node) => {
    if (!found && node.kind === "call" && targetOf(program, file, node) === "remote") found = node
    return !found
  })
  return found
}

/** A `select` with a default goes on at once, unless the default waits. */
export function isIdleSelect(node: Node, waits: (node: Block) => boolean): boolean {
  if (node.kind !== "select") return false
  const idle = node.cases.find(({ comm }) => comm === null)
  return idle !== undefined && !waits(idle.body)
}

/** A connection or a stream of Go that failed once fails at once from then on, whatever is read from it. */
export function readsDead(file: File, call: Call): boolean {
  if (/^(?:WaitForNotification|ReadJSON|NextReader)$/.test(call.name)) return true
  const name = dotted(receiverOf(call) ?? call.callee)
  if (call.name === "Recv") return /stream/i.test(name)
  return (
    call.name === "ReadMessage" && file.unit.imports.some((one) => /websocket/.test(one.module))
  )
}

/** `requests.get(url)`, `redis.get(key)`: what is asked answers or fails; a queue's `get` waits. */
export function isAnsweredAtOnce({ name, callee }: Call): boolean {
  return (
    name === "get" &&
    /(?:^|\.)_?(?:requests|httpx|axios|got|https?|session|redis|\w*[cC]lient|\w*[aA]pi)\.get$/.test(
      dotted(callee),
    )
  )
}

/** `if (error.code in FATAL) return`: the others come round. */
export function isOfSomeErrors(file: File, node: Node, binding: string | null): boolean {
  return (
    node.kind === "if" &&
    !node.otherwise &&
    binding !== null &&
    leaves(node.then.body) &&
    file.textOf(node.test).includes(`${binding}.`)
  )
}

const CHANGED =
  /reprocess|redo(?![a-z])|conflict|changed|stale|outdated|superseded|moved|redirect|mismatch|optimistic/i

/** Whether what an error is asked for says that the thing changed meanwhile: the other side answers, and can be asked again. */
function saysChanged(error: string): boolean {
  return CHANGED.test(error) && !/unchanged|unavailable|time_?d?_?out/i.test(error)
}

/** `errors.Is(err, errRouteChanged)`, `err == ErrConflict`: that one error, and none else. */
export function isOfChange(file: File, test: Node): boolean {
  const asked = /^(?:\w+\.)?Is\(\s*err\s*,\s*&?([\w.]+)\s*\)$|^err\s*==\s*([\w.]+)$/.exec(
    file.textOf(test).trim(),
  )
  return asked !== null && saysChanged(asked[1] ?? asked[2]!)
}

/** What ends by its time limit has waited for it; who lost to another asks for the new state in the next round. */
export function isAnswer({ types }: Catch): boolean {
  return (
    types.length > 0 &&
    types.every((type) => /time_?d?_?out|TimeLimit/i.test(type) || saysChanged(type))
  )
}

/** A statement that only tells a log something. */
export function isTold(statement: Node): boolean {
  return (
    statement.kind === "call" &&
    /(?:^|\.|_)(?:log\w*|print\w*|console)\.?\w*$/i.test(dotted(statement.callee))
  )
}
