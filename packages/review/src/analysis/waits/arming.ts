/** Calls that set when a function runs next: durable alarms, timers, task queues, in every language. */
import { walk } from "../../ir/children.ts"
import type { Call, Func, Node } from "../../ir/nodes.ts"
import { numberOf } from "../program/constants.ts"
import { definitionsOf } from "../program/definitions.ts"
import type { File } from "../program/file.ts"
import { argNamed, dotted, positional, receiverOf } from "../program/names.ts"
import type { Program } from "../program/program.ts"
import { isSelf, ownClassOf, resolveCall, resolveFunction } from "../program/resolve.ts"
import { waitOf } from "./waits.ts"

export interface Arming {
  readonly call: Call
  /** Whether it is due at once; null where it cannot be told. */
  readonly isNow: boolean | null
  /** The one slot of an object (`setAlarm`), of which a later call takes the place of an earlier one. */
  readonly isSlot: boolean
}

/** `storage.setAlarm(at)`, `alarms.set_next_run(at)`: one instant that is kept for an object. */
const SLOT =
  /^(?:set|Set|set_)_?(?:[aA]larm|[nN]ext_?(?:[rR]un|[fF]ire|[wW]ake\w*)(?:_?[aA]t)?|[wW]ake_?[uU]p(?:_?[aA]t)?)$/

/** Calls that run something as soon as they can. */
const AT_ONCE =
  /^(?:setImmediate|nextTick|queueMicrotask|call_soon|call_soon_threadsafe|execute|submit|post|runLater|invokeLater|apply_async|delay)$/

/** Every call of a function that arms a function again: its own alarm slot, or a timer that leads to `handler`. */
export function armingsOf(program: Program, file: File, handler: Func): readonly Arming[] {
  const found: Arming[] = []
  for (const call of file.calls) {
    if (
      call.start < handler.start ||
      call.end > handler.end ||
      file.methodOf(call) !== nearest(file, handler)
    )
      continue
    const arming = armingOf(program, file, handler, call)
    if (arming) found.push(arming)
  }
  return found
}

function nearest(file: File, fn: Func): Func | null {
  return fn.isLambda ? file.methodOf(fn) : fn
}

function armingOf(program: Program, file: File, handler: Func, call: Call): Arming | null {
  if (isSlotSetter(call)) {
    return isAlarmHandler(handler)
      ? { call, isNow: isNowAt(program, file, slotInstant(call)), isSlot: true }
      : null
  }
  const wait = waitOf(program, file, call)
  if (wait?.callback && wait.form === "timer") {
    if (!leadsTo(program, file, wait.callback, handler)) return null
    return { call, isNow: isZero(program, file, wait.delay), isSlot: false }
  }
  // A Go timer's channel is the loop's own.
  if (!AT_ONCE.test(call.name) || !passes(program, file, call, handler)) return null
  const countdown = argNamed(call, "countdown", "delay", "delayMs")
  if (countdown) return { call, isNow: isZero(program, file, countdown), isSlot: false }
  // A task that is put in line behind others yields to them; only a timer of zero or a queue of one's own spins.
  return { call, isNow: true, isSlot: false }
}

/** `storage.setAlarm(at)`; `builder.setAlarm(…)` only fills a message that has a field of that name. */
export function isSlotSetter(call: Call): boolean {
  if (!SLOT.test(call.name) || call.callee.kind !== "member" || call.args.length === 0) return false
  return !/[bB]uilder(?:\(\))?(?:$|\.)/.test(dotted(call.callee.object))
}

/** The instant that is set: the last argument that is no options object. */
export function slotInstant(call: Call): Node {
  const args = positional(call).filter((arg) => arg.kind !== "object")
  return args.at(-1) ?? call.args[0]!
}

/** `alarm()`, `onAlarm`, `handle_alarm`, `Wake`. */
export function isAlarmHandler(fn: Func): boolean {
  return /^(?:alarm|onAlarm|on_alarm|OnAlarm|Alarm|handleAlarm|handle_alarm|HandleAlarm|wake|wakeUp|wake_up|Wake|fire|onFire|on_fire|Fire)$/.test(
    fn.name,
  )
}

function isZero(program: Program, file: File, delay: Node): boolean | null {
  const value = numberOf(program, file, delay)
  return value === null ? null : value <= 0
}

const NOW =
  /^(?:Date\.now|performance\.now|time\.(?:time|Now|monotonic)|datetime\.(?:now|utcnow)|datetime\.datetime\.(?:now|utcnow)|Instant\.now|System\.currentTimeMillis|Clock\.System\.now|LocalDateTime\.now|.*\.(?:clock|clk)\.(?:now|Now)|(?:clock|clk)\.(?:now|Now)|.*\.(?:currentTimeMillis|now|Now))$/

/** Whether an instant is the present one. */
export function isNowAt(program: Program, file: File, at: Node, steps = 4): boolean | null {
  if (steps === 0) return null
  if (at.kind === "call") {
    if (NOW.test(dotted(at.callee))) return true
    if (at.isNew && at.name === "Date")
      return at.args.length === 0 ? true : isNowAt(program, file, at.args[0]!, steps - 1)
    const receiver = receiverOf(at)
    if (
      receiver &&
      /^(?:valueOf|getTime|toEpochMilli|timestamp|UnixMilli|Unix|plusMillis|Add|plus)$/.test(
        at.name,
      )
    ) {
      const [first] = at.args
      if (first && numberOf(program, file, first) !== 0) return false
      return isNowAt(program, file, receiver, steps - 1)
    }
    return null
  }
  if (at.kind === "number") return at.value === 0
  if (at.kind === "binary" && at.op === "+") {
    const added = numberOf(program, file, at.right) ?? numberOf(program, file, at.left)
    return added === 0 ? isNowAt(program, file, at.left, steps - 1) : false
  }
  if (at.kind !== "name") return null
  const definitions = definitionsOf(program, file, at)
  const [only] = definitions
  return definitions.length === 1 && only!.value
    ? isNowAt(program, only!.file, only!.value, steps - 1)
    : null
}

/** Whether a callback is the handler, or only calls it. */
function leadsTo(program: Program, file: File, callback: Node, handler: Func): boolean {
  return resolveFunction(program, file, callback).some(({ fn }) => {
    if (fn === handler) return true
    if (!fn.isLambda || !fn.body || fn.body.body.length > 1) return false
    let calls = false
    walk(fn.body, (node) => {
      if (node.kind === "call" && node.name === handler.name && handler.name !== "")
        calls ||= isCallOf(program, file, node, handler)
      return !calls
    })
    return calls
  })
}

/** A call of that name on oneself; on anything else it has to be found out that it is the same function. */
function isCallOf(program: Program, file: File, call: Call, handler: Func): boolean {
  const receiver = receiverOf(call)
  const isOverloaded = file.language === "java" || file.language === "kotlin"
  if (isOverloaded && call.args.length !== handler.params.length) return false
  if (!receiver || (receiver.kind === "name" && isSelf(file, receiver.name, call))) return true
  return resolveCall(program, file, call).some(({ fn }) => fn === handler)
}

function passes(program: Program, file: File, call: Call, handler: Func): boolean {
  const receiver = receiverOf(call)
  // `refresh.apply_async(…)`, `refresh.delay()` within `refresh`.
  if (/^(?:apply_async|delay)$/.test(call.name))
    return receiver !== null && dotted(receiver) === handler.name
  // A statement that is carried out is no function, whatever it is called.
  if (receiver && /conn|cursor|\bdb\b|session|engine|client|statement/i.test(dotted(receiver)))
    return false
  return call.args.some((arg) => {
    if (arg.kind === "name" && arg.name === "this")
      return handler.name === "run" && ownClassOf(file, call) === ownClassOf(file, handler)
    return leadsTo(program, file, arg, handler)
  })
}
