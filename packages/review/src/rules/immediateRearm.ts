/** immediate-rearm: a handler that is due again as soon as it ends, whether there is work or not. */
import {
  armingsOf,
  isAlarmHandler,
  isNowAt,
  isSlotSetter,
  slotInstant,
  type Arming,
} from "../analysis/waits/arming.ts"
import { numberOf } from "../analysis/program/constants.ts"
import { definitionsOf } from "../analysis/program/definitions.ts"
import type { File } from "../analysis/program/file.ts"
import { readsSlot } from "../analysis/sharing/slots.ts"
import type { Program } from "../analysis/program/program.ts"
import type { Call, Class, Func, Node } from "../ir/nodes.ts"
import type { Rule } from "./rule.ts"

/** An alarm this near is the next thing that happens. */
const SOON_MS = 5_000

export const immediateRearm: Rule = {
  id: "immediate-rearm",
  title: "Handler re-arms itself for now",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions:
    /[aA]larm|setTimeout|setImmediate|nextTick|AfterFunc|Timer|call_soon|call_later|apply_async|\.delay\(|schedule|[wW]ake|[nN]ext_?(?:[rR]un|[fF]ire)|queueMicrotask|\.post\b|postDelayed|(?:run|invoke)Later|execute|submit/,
  docs: {
    what: "A handler of an alarm or a timer arms itself for the present instant on its normal way out, with no condition on pending work.",
    why: "It runs again at once, for ever: the event loop is full of a handler that has nothing to do, requests wait behind it, and every outside call that arms the same alarm starts the next round.",
    silent: [
      "The re-arm depends on pending work, or is due later than now.",
      "It stands at the handler's beginning and every way out arms, clears or replaces it: a guard against crashes.",
      "A timer's handler stops at once when there is nothing to do, or waits within.",
    ],
    reach: {
      sees: [
        "The alarm of an object (`setAlarm`, `set_next_run`, `setNextFireAt`, `setWakeUp`), as Durable Objects have it, in a handler called `alarm`, `onAlarm`, `wake` or `fire`.",
        "Timers of zero that lead back to their function: `setTimeout`, `time.AfterFunc`, threading.Timer, `call_later`, `executor.schedule`, Vert.x' `setTimer`, `postDelayed`.",
        "Calls that run it as soon as they can: `setImmediate`, `nextTick`, `queueMicrotask`, `call_soon`, `execute`, `submit`, `post`, and a Celery task's own `delay` and `apply_async`.",
        "In the class of such an alarm, other methods that set it to now, or to at most five seconds from now, without reading it.",
      ],
      misses: [
        "A re-arm under a condition that always holds, and what an alarm's handler asks before it works.",
        "A re-arm in another function that the handler calls.",
        "Alarms and their handlers under other names.",
      ],
    },
    fix: "Arm the next run for the earliest pending instant and no earlier than a lower bound from now; arm nothing when nothing is pending.",
    reference: "https://developers.cloudflare.com/durable-objects/api/alarms/",
    examples: {
      go: {
        bad: "func (p *Poller) tick() {\n\tp.flush()\n\ttime.AfterFunc(0, p.tick)\n}",
        good: "func (p *Poller) tick() {\n\tp.flush()\n\tif p.pending() > 0 {\n\t\ttime.AfterFunc(time.Second, p.tick)\n\t}\n}",
      },
      python: {
        bad: "def tick(self):\n    self.flush()\n    self.loop.call_soon(self.tick)",
        good: "def tick(self):\n    self.flush()\n    if self.pending:\n        self.loop.call_later(1, self.tick)",
      },
      typescript: {
        bad: "async alarm() {\n  await this.runDue()\n  await this.storage.setAlarm(Date.now())\n}",
        good: "async alarm() {\n  await this.runDue()\n  const next = await this.earliest()\n  if (next) await this.storage.setAlarm(Math.max(next, Date.now() + 1_000))\n}",
      },
      java: {
        bad: "void tick() {\n  flush();\n  executor.schedule(this::tick, 0, TimeUnit.MILLISECONDS);\n}",
        good: "void tick() {\n  flush();\n  executor.schedule(this::tick, 1, TimeUnit.SECONDS);\n}",
      },
      kotlin: {
        bad: "fun tick() {\n  flush()\n  executor.schedule(::tick, 0, TimeUnit.MILLISECONDS)\n}",
        good: "fun tick() {\n  flush()\n  executor.schedule(::tick, 1, TimeUnit.SECONDS)\n}",
      },
    },
  },
  check(file, program, report) {
    for (const handler of file.functions) {
      const armings = armingsOf(program, file, handler)
      const last = armings.at(-1)
      if (!last?.isNow || !isAlways(file, handler, last.call)) continue
      if (stopsWhenIdle(file, handler, last) || isCleared(file, handler, last)) continue
      report({
        at: last.call,
        tier: "likely",
        severity: last.isSlot ? "high" : "medium",
        message: `\`${handler.name || "this handler"}\` is due again at once on its normal way out, whether there is work or not`,
        because: [
          { text: "armed for the present instant", at: last.call },
          {
            text: "by the handler itself",
            at: {
              start: handler.nameStart,
              end: handler.nameStart + Math.max(1, handler.name.length),
            },
          },
        ],
        checked: [
          "the call stands under no condition",
          "nothing after it arms it for later or clears it",
          "the handler does not return early when there is nothing to do",
        ],
      })
      const owner = last.isSlot ? file.classOf(handler) : null
      if (owner) reportClobbers(program, file, owner, last, report)
    }
  },
}

/** On every normal way through the rest of the handler: under no test, no loop, no catch. */
function isAlways(file: File, handler: Func, call: Call): boolean {
  let inner: Node = call
  for (const outer of file.ancestorsOf(call)) {
    if (outer === handler) return true
    if (
      outer.kind === "if" ||
      outer.kind === "loop" ||
      outer.kind === "switch" ||
      outer.kind === "select" ||
      outer.kind === "conditional"
    )
      return false
    if (outer.kind === "binary") return false
    if (
      outer.kind === "try" &&
      inner !== outer.body &&
      inner !== outer.finalizer &&
      inner !== outer.otherwise
    )
      return false
    if (outer.kind === "function" && !outer.isLambda) return false
    inner = outer
  }
  return false
}

/** `if (queue.length === 0) return` before a timer of zero: it yields to others between pieces of work. */
function stopsWhenIdle(file: File, handler: Func, { call, isSlot }: Arming): boolean {
  if (isSlot) return false
  for (const statement of handler.body?.body ?? []) {
    if (statement.start >= call.start) return false
    if (statement.kind === "if" && statement.then.body.at(-1)?.kind === "return") return true
    // A handler that waits within is no spin.
    if (/\bawait\b|[sS]leep|\.take\(|\.get\(|\.poll\(|<-/.test(file.textOf(statement))) return true
  }
  return false
}

/** `setAlarm(now)` for a crash, and `deleteAlarm()` when all went well. */
function isCleared(file: File, handler: Func, { call, isSlot }: Arming): boolean {
  return (
    isSlot &&
    file.calls.some(
      (one) =>
        /^(?:delete|clear|cancel|remove)_?alarm$/i.test(one.name) &&
        one.start > call.end &&
        one.end <= handler.end &&
        isAlways(file, handler, one),
    )
  )
}

/** Others that arm the same alarm soon, whatever is pending: with the handler's own re-arm they wake each other. */
function reportClobbers(
  program: Program,
  file: File,
  owner: Class,
  spin: Arming,
  report: Parameters<Rule["check"]>[2],
): void {
  for (const method of owner.methods) {
    if (isAlarmHandler(method) || readsSlot(file, method)) continue
    for (const call of file.calls) {
      if (
        !isSlotSetter(call) ||
        file.methodOf(call) !== method ||
        !isSoon(program, file, slotInstant(call))
      )
        continue
      report({
        at: call,
        tier: "likely",
        severity: "high",
        message: `\`${method.name}\` arms the alarm soon whatever is pending; with the handler's immediate re-arm the two wake each other`,
        because: [
          { text: "armed here without a look at what is pending", at: call },
          { text: "the handler re-arms itself for now", at: spin.call },
        ],
        checked: [
          "the pending alarm is not read before",
          "the instant is not the earlier of the two",
        ],
      })
    }
  }
}

function isSoon(program: Program, file: File, at: Node): boolean {
  if (isNowAt(program, file, at)) return true
  const value = at.kind === "name" ? (definitionsOf(program, file, at)[0]?.value ?? at) : at
  if (value.kind !== "binary" || value.op !== "+") return false
  return [value.left, value.right].some((side) => {
    const ms = numberOf(program, file, side) ?? defaultOf(program, file, side)
    return ms !== null && ms <= SOON_MS
  })
}

function defaultOf(program: Program, file: File, node: Node): number | null {
  const param =
    node.kind === "name"
      ? file.methodOf(node)?.params.find((one) => one.name === node.name)
      : undefined
  return param?.value ? numberOf(program, file, param.value) : null
}
