/** Work that nobody waits for: loops, timers, schedules, consumers. Where it hangs, nobody notices. */
import { walk } from "../../../ir/children.ts"
import type { Call, Func, Node } from "../../../ir/nodes.ts"
import { callersOf } from "../../program/definitions.ts"
import type { File } from "../../program/file.ts"
import { dotted } from "../../program/names.ts"
import type { Program } from "../../program/program.ts"
import { endsByItself } from "./endings.ts"

const REPEATS = /^(?:setInterval|schedule|process|consume|subscribe|addJob|cron|every|define)$/
const WORKERS = /^(?:Worker|CronJob|Cron|QueueProcessor|Consumer)$/
const CALLBACKS = /^(?:eachMessage|eachBatch|handler|onTick|processor)$/
const ANNOTATIONS =
  /^(?:Cron|Interval|Process|Processor|OnEvent|Scheduled|KafkaListener|RabbitListener|EventPattern|MessagePattern|SqsMessageHandler)$/

/** What runs a node in the background, or null. */
export function backgroundOf(
  program: Program,
  file: File,
  node: Node,
  steps = 2,
): { readonly file: File; readonly at: Node } | null {
  let method: Func | null = null
  for (const outer of file.ancestorsOf(node)) {
    if (
      outer.kind === "loop" &&
      outer.test === null &&
      outer.form !== "each" &&
      !endsByItself(file, outer)
    )
      return { file, at: outer }
    if (outer.kind === "call" && isRepeater(outer, node)) return { file, at: outer }
    if (outer.kind === "function") {
      if (outer.annotations.some((one) => ANNOTATIONS.test(one.name))) return { file, at: outer }
      if (!outer.isLambda || outer.name !== "") method ??= outer
    }
  }
  if (!method || method.name === "" || steps === 0) return null
  for (const caller of callersOf(program, { file, fn: method })) {
    const found = backgroundOf(program, caller.file, caller.call, steps - 1)
    if (found) return found
  }
  return namedByRepeater(file, method)
}

function isRepeater(call: Call, within: Node): boolean {
  const holds = call.args.some((arg) => arg.start <= within.start && within.end <= arg.end)
  if (!holds) return false
  if (call.isNew) return WORKERS.test(call.name)
  if (call.name === "run" || call.name === "consume") {
    return call.args.some(
      (arg) => arg.kind === "object" && arg.entries.some((one) => CALLBACKS.test(one.key ?? "")),
    )
  }
  if (call.name === "setInterval") return true
  return (
    REPEATS.test(call.name) &&
    /cron|queue|consumer|schedul|agenda|worker|jobs?\b/i.test(dotted(call.callee))
  )
}

/** `setInterval(poll, 1000)`: the function is handed over by its name. */
function namedByRepeater(
  file: File,
  method: Func,
): { readonly file: File; readonly at: Node } | null {
  for (const call of file.calls) {
    if (call.name !== "setInterval" && !(call.isNew && WORKERS.test(call.name))) continue
    let named = false
    for (const arg of call.args) {
      walk(arg, (node) => {
        if ((node.kind === "name" || node.kind === "member") && node.name === method.name)
          named = true
        return !named
      })
    }
    if (named) return { file, at: call }
  }
  return null
}
