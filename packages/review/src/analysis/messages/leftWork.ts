/** Work that a consumer starts and leaves: whether it is waited for, or acknowledges by itself. */
import { walk } from "../../ir/children.ts"
import type { Block, Node } from "../../ir/nodes.ts"
import { acknowledgementsIn } from "./acknowledgements.ts"
import type { Consumer } from "./consumers.ts"
import type { File } from "../program/file.ts"
import { dotted } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { resolveCall } from "../program/resolve.ts"
import { type Spawn, workOf } from "../waits/spawns.ts"

/** Waiting for what was started. */
const JOINS =
  /^(?:Wait|gather|wait|allOf|anyOf|awaitAll|joinAll|join|all|allSettled|any|race|get|result|as_completed|invokeAll|shutdown|awaitTermination|coroutineScope|supervisorScope|runBlocking|await)$/

/** `messages.forEach(async (message) => …)`: nobody has the promises. */
export function floatingLoops(file: File, body: Block): Spawn[] {
  const found: Spawn[] = []
  walk(body, (node) => {
    if (node.kind !== "call" || node.name !== "forEach") return undefined
    const [work] = node.args
    if (work?.kind === "lambda" && work.fn.isAsync && file.language !== "kotlin")
      found.push({ at: node, work })
    return undefined
  })
  return found
}

/** With what is chained to it: `work(message).then(() => channel.ack(message))`. */
export function wholeOf(file: File, spawn: Spawn): Node {
  let whole = spawn.at
  for (const outer of file.ancestorsOf(spawn.at)) {
    const isChained =
      outer.kind === "member" || (outer.kind === "call" && within(whole, outer.callee))
    if (!isChained) break
    whole = outer
  }
  return whole
}

/** Whether what was started acknowledges by itself, or is handed what to do it with. */
export function isTold(program: Program, file: File, spawn: Spawn): boolean {
  if (acknowledgementsIn(wholeOf(file, spawn)).length > 0) return true
  let found = false
  for (const { file: at, fn } of workOf(program, file, spawn)) {
    if (!fn.body) continue
    found ||= acknowledgementsIn(fn.body).length > 0
    walk(fn.body, (node) => {
      if (found) return false
      if (node.kind === "call")
        found = resolveCall(program, at, node).some(
          (target) => target.fn.body !== null && acknowledgementsIn(target.fn.body).length > 0,
        )
      return undefined
    })
  }
  // `go work(msg, done)`: a channel or callback tells when it is over.
  let hasSignal = false
  walk(spawn.work, (node) => {
    if (node.kind === "send") hasSignal = true
    if (
      node.kind === "name" &&
      /^(?:done|ack|commit|callback|cb|wg|group|sem|results?)$/i.test(node.name)
    )
      hasSignal = true
    return !hasSignal
  })
  return found || hasSignal
}

/** Whether what was started is waited for, on the spot or later in the handler. */
export function isJoined(file: File, consumer: Consumer, spawn: Spawn): boolean {
  for (const outer of file.ancestorsOf(spawn.at)) {
    if (outer === consumer.body) break
    if (outer.kind === "call" && JOINS.test(outer.name)) return true
    if (outer.kind === "await") return true
    if (
      outer.kind === "with" &&
      outer.resources.some((one) => /TaskGroup|nursery|Pool|Executor/i.test(dotted(one.value)))
    )
      return true
  }
  const kept = keptIn(file, spawn.at)
  let found = false
  walk(consumer.fn ?? consumer.body, (node) => {
    if (found) return false
    if (node.kind === "call" && node.start > spawn.at.end && JOINS.test(node.name)) {
      // `get` and `result` join only what they are called on.
      const isLone = /^(?:get|result|join|all|any|wait)$/.test(node.name)
      found =
        !isLone ||
        (kept !== null && file.textOf(node).includes(kept)) ||
        /Promise|asyncio|futures?/i.test(dotted(node.callee))
    }
    if (node.kind === "await" && kept !== null && node.start > spawn.at.end)
      found = file.textOf(node).includes(kept)
    return undefined
  })
  return found
}

/** The name that a handle of started work is put into. */
function keptIn(file: File, at: Node): string | null {
  for (const outer of file.ancestorsOf(at)) {
    if (outer.kind === "assign") {
      const [target] = outer.targets
      return target ? dotted(target) : null
    }
    if (outer.kind === "call") {
      // `tasks.append(create_task(…))`
      if (/^(?:append|add|push)$/.test(outer.name) && outer.callee.kind === "member")
        return dotted(outer.callee.object)
      continue
    }
    if (outer.kind !== "member" && outer.kind !== "await") return null
  }
  return null
}

function within(inner: Node, outer: Node): boolean {
  return outer.start <= inner.start && inner.end <= outer.end
}
