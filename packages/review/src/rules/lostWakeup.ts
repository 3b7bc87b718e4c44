/** lost-wakeup: a signal is given while nobody waits for it yet, and is gone. */
import {
  type Channel,
  channelsIn,
  isReceivedByWorker,
  keyOf,
} from "../analysis/sharing/channels.ts"
import { definitionsOf } from "../analysis/program/definitions.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted, receiverOf } from "../analysis/program/names.ts"
import type { Program } from "../analysis/program/program.ts"
import { typeOf } from "../analysis/program/resolve.ts"
import { courseOf, isYield } from "../analysis/program/yields.ts"
import { walk } from "../ir/children.ts"
import type { Call, Node } from "../ir/nodes.ts"
import type { Draft, Rule } from "./rule.ts"

export const lostWakeup: Rule = {
  id: "lost-wakeup",
  title: "Wake-up that can be lost",
  languages: ["go", "python", "java"],
  scope: "code",
  mentions: /make\(chan|\.Wait\(\)|wait\(|await\(|\.clear\(\)/,
  docs: {
    what: "A signal is given in a way that only reaches those who wait at that very moment, or a wait does not look at its condition again after it was woken.",
    why: "When the other side is still busy the signal is dropped, and it waits for the next one, which may never come. A wait outside a loop goes on although the condition does not hold, because it was woken for another reason or somebody was faster.",
    silent: [
      "The signal's channel has room for one: a signal that was given before the wait is kept.",
      "The branch that drops the signal does something about it.",
      "The wait stands in a loop that tests its condition, or is given the condition (wait_for).",
      "An event is cleared right after the wait, before the work that it announced.",
    ],
    reach: {
      sees: [
        "In Go an unbuffered channel of `struct{}`, `bool` or `any` that is signalled in a `select` with an empty `default`, or from a callback of a notifier that waits for the receiver; and one that is handed to `signal.Notify`.",
        "In Go `Wait` of a `sync.Cond`, in Python `wait()` of a Condition (threading, asyncio), in Java `wait()` under its monitor and `await()` of a Condition, in no loop.",
        "In Python an Event that is cleared after the work that it announced.",
      ],
      misses: [
        "The languages TypeScript and Kotlin.",
        "Waits with a time limit.",
        "Channels that another file makes, and conditions whose name and origin say nothing.",
      ],
    },
    fix: "Keep the signal until it is seen: a channel with room for one, a condition that is tested in a loop, an event that is cleared before the work.",
    reference: "https://docs.oracle.com/javase/tutorial/essential/concurrency/guardmeth.html",
    examples: {
      go: {
        bad: "wake := make(chan struct{})\n…\nselect {\ncase wake <- struct{}{}:\ndefault:\n}",
        good: "wake := make(chan struct{}, 1)\n…\nselect {\ncase wake <- struct{}{}:\ndefault:\n}",
      },
      python: {
        bad: "with self.condition:\n    if not self.items:\n        self.condition.wait()\n    return self.items.pop()",
        good: "with self.condition:\n    while not self.items:\n        self.condition.wait()\n    return self.items.pop()",
      },
      java: {
        bad: "synchronized (lock) {\n  if (queue.isEmpty()) lock.wait();\n  return queue.remove();\n}",
        good: "synchronized (lock) {\n  while (queue.isEmpty()) lock.wait();\n  return queue.remove();\n}",
      },
    },
  },
  check(file, program, report) {
    const drafts =
      file.language === "go"
        ? [...ofChannels(program, file), ...ofConditions(program, file)]
        : file.language === "python"
          ? [...ofConditions(program, file), ...ofEvents(program, file)]
          : ofConditions(program, file)
    for (const draft of drafts) report(draft)
  },
}

// --- signals of Go --------------------------------------------------------------------------------------------------

function ofChannels(program: Program, file: File): Draft[] {
  const found: Draft[] = []
  const channels = channelsIn(program, file)
  for (const channel of channels) {
    if (channel.isBuffered) continue
    if (channels.some((other) => other.key === channel.key && other.isBuffered)) continue
    const lost =
      droppedSend(program, file, channel) ??
      notified(program, file, channel) ??
      stalledCallback(program, file, channel)
    if (!lost) continue
    if (!isReceivedByWorker(program, file, channel.key) && !isCondition(file, channel, lost))
      continue
    found.push({
      at: channel.made,
      tier: "likely",
      severity: "medium",
      message: lost.message(channel.name),
      because: [
        { text: "made without room for a signal", at: channel.made },
        { text: lost.text, at: lost.at },
      ],
      checked: ["the channel is not made with a buffer anywhere in this file", lost.checked],
      fix: {
        text: "Give the channel room for one signal: a signal that was given before is kept, further ones fall together.",
        safety: "safe",
        edits: [{ start: channel.made.end - 1, end: channel.made.end - 1, text: ", 1" }],
      },
    })
  }
  return found
}

/** A condition of one's own: its `Signal` drops what comes before a `Wait` has begun to receive. */
function isCondition(file: File, { name }: Channel, { at }: Lost): boolean {
  const signal = file.methodOf(at)
  const type = signal?.receiver?.type
  if (!signal || !type || !/^(?:Signal|Notify|Wake|Kick|Trigger)/i.test(signal.name)) return false
  return file.functions.some(
    (fn) =>
      fn.receiver?.type === type &&
      /^(?:Wait|Await)/i.test(fn.name) &&
      new RegExp(`\\.${name}\\b`).test(file.textOf(fn)),
  )
}

interface Lost {
  readonly at: Node
  readonly text: string
  readonly checked: string
  readonly message: (name: string) => string
}

/** `select { case wake <- struct{}{}: default: }` */
function droppedSend(program: Program, file: File, channel: Channel): Lost | null {
  if (!/^(?:struct\s*\{\s*\}|bool|any|interface\{\})$/.test(channel.element)) return null
  let at: Node | null = null
  for (const root of file.unit.body) {
    walk(root, (node) => {
      if (at || node.kind !== "select") return !at
      const otherwise = node.cases.find((one) => one.comm === null)
      const sends = node.cases.find(
        (one) =>
          one.comm?.kind === "send" && keyOf(program, file, one.comm.channel) === channel.key,
      )
      if (otherwise && sends && otherwise.body.body.length === 0) at = sends.comm
      return undefined
    })
  }
  return at
    ? {
        at,
        text: "a signal is dropped here unless somebody waits at this moment",
        checked: "the branch that drops the signal does nothing",
        message: (name) =>
          `\`${name}\` has no room for a signal and its sender does not wait: a signal that comes before the wait is lost`,
      }
    : null
}

/** `signal.Notify(stop, …)` never waits for the receiver. */
function notified(program: Program, file: File, channel: Channel): Lost | null {
  if (channel.element !== "os.Signal") return null
  const at = file.calls.find(
    (call) =>
      dotted(call.callee) === "signal.Notify" &&
      call.args[0] &&
      keyOf(program, file, call.args[0]) === channel.key,
  )
  return at
    ? {
        at,
        text: "signals are sent here without waiting",
        checked: "the channel is handed to signal.Notify",
        message: (name) =>
          `\`${name}\` has no room for a signal, and one that comes while nobody receives is lost`,
      }
    : null
}

const REGISTERS =
  /^(?:[lL]isten|[sS]ubscribe|[oO]n|[hH]andle(?:Func)?|[nN]otify|[wW]atch|[rR]egister\w*|[aA]dd(?:Listener|Handler)|OnEvent)/

/** A callback that waits until its signal is taken holds up whoever calls it. */
function stalledCallback(program: Program, file: File, channel: Channel): Lost | null {
  if (!/^struct\s*\{\s*\}$/.test(channel.element)) return null
  let at: Node | null = null
  for (const root of file.unit.body) {
    walk(root, (node) => {
      if (at || node.kind !== "select") return !at
      const sends = node.cases.find(
        (one) =>
          one.comm?.kind === "send" && keyOf(program, file, one.comm.channel) === channel.key,
      )
      if (sends && node.cases.every((one) => one.comm !== null) && isCallback(file, node))
        at = sends.comm
      return undefined
    })
  }
  return at
    ? {
        at,
        text: "a callback waits here until the signal is taken",
        checked: "the callback is called by a notifier, and what comes after it waits as well",
        message: (name) =>
          `\`${name}\` has no room for a signal: the callback that sends it holds up its notifier until somebody receives`,
      }
    : null
}

/** Whether a place runs when a notifier calls: in the lambda that it was given, or in a function that the lambda calls. */
function isCallback(file: File, node: Node): boolean {
  const fn = courseOf(file, node)
  if (!fn) return false
  const isRegistered = (call: Call): boolean => {
    const around = file.functionOf(call)
    const lambda = around?.isLambda ? file.parentOf(around) : null
    const outer = lambda ? file.parentOf(lambda) : null
    return outer?.kind === "call" && REGISTERS.test(outer.name)
  }
  if (fn.isLambda) {
    const lambda = file.parentOf(fn)
    const outer = lambda ? file.parentOf(lambda) : null
    return outer?.kind === "call" && REGISTERS.test(outer.name)
  }
  return file.calls.some((call) => call.name === fn.name && isRegistered(call))
}

// --- conditions -----------------------------------------------------------------------------------------------------

/** Waits for a condition that do not look at it again. */
function ofConditions(program: Program, file: File): Draft[] {
  return file.calls.flatMap((call) => {
    if (
      !isConditionWait(program, file, call) ||
      isInLoop(file, call) ||
      isAskedByCaller(file, call)
    )
      return []
    return {
      at: call,
      tier: "likely",
      severity: "medium",
      message: `\`${dotted(call.callee)}\` stands in no loop: it can return although what it waits for does not hold`,
      because: [{ text: "woken once, it goes on", at: call }],
      checked: [
        "no loop around the wait tests the condition again",
        "the wait is not given its condition",
      ],
      fix: {
        text: "Wait in a loop that tests the condition: while (!condition) wait().",
        ...loopInstead(file, call),
      },
    } satisfies Draft
  })
}

/** `if` becomes the loop, where it does nothing but wait. */
function loopInstead(file: File, call: Call): Pick<NonNullable<Draft["fix"]>, "safety" | "edits"> {
  const test = [...file.ancestorsOf(call)].find(
    (outer) => outer.kind === "if" || outer.kind === "function",
  )
  if (test?.kind !== "if" || test.otherwise || test.init || test.then.body.length !== 1) return {}
  const word = file.language === "go" ? "for" : "while"
  if (!file.text.startsWith("if", test.start)) return {}
  return { safety: "unsafe", edits: [{ start: test.start, end: test.start + 2, text: word }] }
}

const CONDITION_NAME =
  /cond(?:ition)?$|(?:not|is)_?(?:empty|full)$|^(?:available|changed|ready)_?cond/i

function isConditionWait(program: Program, file: File, call: Call): boolean {
  const receiver = receiverOf(call)
  if (file.language === "java") return isJavaWait(program, file, call, receiver)
  if (!receiver || call.args.length > 0) return false
  const isWait = file.language === "go" ? call.name === "Wait" : call.name === "wait"
  if (!isWait) return false
  const type = typeOf(program, file, receiver, call)
  if (type !== null) return /^(?:Cond|Condition)$/.test(type)
  const made = definitionsOf(program, file, receiver).flatMap((one) => one.value ?? [])
  if (made.some((value) => value.kind === "call" && /^(?:NewCond|Condition)$/.test(value.name)))
    return true
  return made.length === 0 && CONDITION_NAME.test(dotted(receiver))
}

/** `lock.wait()`, `wait()` and `condition.await()` without a time limit. */
function isJavaWait(program: Program, file: File, call: Call, receiver: Node | null): boolean {
  if (call.args.length > 0) return false
  if (call.name === "wait") {
    const own = file.classes.some((one) =>
      one.methods.some((method) => method.name === "wait" && method.params.length === 0),
    )
    return !own && !isLatch(program, file, receiver, call) && isUnderMonitor(file, call)
  }
  if (!/^await(?:Uninterruptibly)?$/.test(call.name) || !receiver) return false
  const type = typeOf(program, file, receiver, call)
  return type === null ? CONDITION_NAME.test(dotted(receiver)) : type === "Condition"
}

function isLatch(program: Program, file: File, receiver: Node | null, call: Call): boolean {
  const type = receiver ? typeOf(program, file, receiver, call) : null
  return type !== null && /Latch|Barrier|Process|Future|Task|Job|Phaser/.test(type)
}

/** Java's wait needs the monitor: elsewhere the name means something else. */
function isUnderMonitor(file: File, call: Call): boolean {
  for (const outer of file.ancestorsOf(call)) {
    if (outer.kind === "with" && outer.form === "synchronized") return true
    if (outer.kind === "function") return outer.modifiers.includes("synchronized")
  }
  return false
}

function isInLoop(file: File, call: Call): boolean {
  let isTested = false
  for (const outer of file.ancestorsOf(call)) {
    // `do { … } while (false)` is left once.
    if (outer.kind === "loop" && !(outer.test?.kind === "bool" && !outer.test.value)) return true
    if (outer.kind === "if") isTested = true
    // A wrapper without a test of its own passes the duty on to its callers.
    if (outer.kind === "function" && !outer.isLambda)
      return !isTested && /^_?(?:wait|await)/i.test(outer.name)
  }
  return false
}

/** A function that answers with a plain yes or no after the wait leaves the question to its caller. */
function isAskedByCaller(file: File, call: Call): boolean {
  const fn = file.functionOf(call)
  const last = fn?.body?.body.at(-1)
  return last?.kind === "return" && last.value?.kind === "bool" && last.start > call.end
}

// --- events of Python -----------------------------------------------------------------------------------------------

/** `event.wait()`, the work, and only then `event.clear()`: a signal during the work is wiped away. */
function ofEvents(program: Program, file: File): Draft[] {
  return file.calls.flatMap((clear) => {
    const receiver = receiverOf(clear)
    if (clear.name !== "clear" || !receiver || clear.args.length > 0) return []
    const name = dotted(receiver)
    if (!isEvent(program, file, receiver)) return []
    const loop = [...file.ancestorsOf(clear)].find(
      (outer) => outer.kind === "loop" || outer.kind === "function",
    )
    if (loop?.kind !== "loop") return []
    const wait = file.calls.find(
      (call) =>
        call.name === "wait" &&
        call.start >= loop.start &&
        call.end <= clear.start &&
        receiverOf(call) !== null &&
        dotted(receiverOf(call)!) === name,
    )
    const work = wait ? workBetween(program, file, loop, wait, clear) : null
    if (!wait || !work) return []
    return {
      at: clear,
      tier: "likely",
      severity: "medium",
      message: `\`${name}\` is cleared after the work that it announced: a signal that came meanwhile is wiped away`,
      because: [
        { text: "waits for the signal here", at: wait },
        { text: "new signals can come during this", at: work },
        { text: "and are wiped away here", at: clear },
      ],
      checked: ["the event is not cleared between the wait and the work"],
      fix: { text: "Clear the event right after the wait, before looking for work." },
    } satisfies Draft
  })
}

function isEvent(program: Program, file: File, receiver: Node): boolean {
  return definitionsOf(program, file, receiver).some(
    (one) => one.value?.kind === "call" && one.value.name === "Event",
  )
}

/** What runs between a wait and the clearing: an await where others run, any call where threads do. */
function workBetween(
  program: Program,
  file: File,
  loop: Node,
  wait: Call,
  clear: Call,
): Node | null {
  const isAsync = file.functionOf(clear)?.isAsync === true
  let found: Node | null = null
  walk(loop, (node) => {
    if (found || node.kind === "function") return false
    if (node.start < wait.end || node.end > clear.start) return undefined
    // What ends the loop does not come between.
    if (node.kind === "throw" || node.kind === "return") return false
    if (
      isAsync
        ? isYield(program, file, node)
        : node.kind === "call" && !/^(?:debug|info|log|warning|is_set)$/.test(node.name)
    )
      found = node
    return undefined
  })
  return found
}
