/** schedule-clobber: who comes last decides when the one alarm rings, also when an earlier one was pending. */
import { isAlarmHandler, isSlotSetter, slotInstant } from "../analysis/waits/arming.ts"
import type { File } from "../analysis/program/file.ts"
import { dotted, receiverOf } from "../analysis/program/names.ts"
import { readsSlot } from "../analysis/sharing/slots.ts"
import type { Func, Node } from "../ir/nodes.ts"
import type { Rule } from "./rule.ts"

export const scheduleClobber: Rule = {
  id: "schedule-clobber",
  title: "Pending alarm overwritten unread",
  languages: ["go", "python", "javascript", "typescript", "java", "kotlin"],
  scope: "code",
  mentions: /[sS]et_?[aA]larm|[sS]et_?[nN]ext_?(?:[rR]un|[fF]ire|[wW]ake)|[sS]et_?[wW]ake_?[uU]p/,
  docs: {
    what: "A method that several callers use sets the one alarm of an object without reading the pending one.",
    why: "The alarm has room for one instant. A later wish overwrites an earlier one, and the work that was due then waits for the wrong time or for ever.",
    silent: [
      "The pending alarm is read first, or the earlier of both is set.",
      "The alarm's own handler sets it: nothing is pending while it runs.",
      "The instant is computed from all that is pending.",
    ],
    reach: {
      sees: [
        "The one alarm of an object, by the setter's name: `setAlarm`, `set_alarm`, `SetNextRun`, `set_next_fire_at`, `setWakeUp` and their spellings, as Durable Objects have it.",
        "Methods that are not private, where the instant is made of what the caller passed.",
        "Looks at the pending one: `getAlarm`, `nextRunAt` and their like, `min`, a comparison with it.",
      ],
      misses: [
        "Alarms under other names: a column of a row, a timer that is cleared and set.",
        "Private methods and functions outside of a class.",
        "An instant that another function computes from what the caller passed before.",
      ],
    },
    fix: "Read the pending alarm and set the earlier of the two, in one step with nothing awaited between that others could use.",
    reference: "https://developers.cloudflare.com/durable-objects/api/alarms/",
    examples: {
      go: {
        bad: "func (s *Session) Remind(at time.Time) error {\n\treturn s.alarms.SetAlarm(at)\n}",
        good: "func (s *Session) Remind(at time.Time) error {\n\tif pending, ok := s.alarms.GetAlarm(); ok && pending.Before(at) {\n\t\treturn nil\n\t}\n\treturn s.alarms.SetAlarm(at)\n}",
      },
      python: {
        bad: "async def remind(self, at):\n    await self.storage.set_alarm(at)",
        good: "async def remind(self, at):\n    pending = await self.storage.get_alarm()\n    await self.storage.set_alarm(at if pending is None else min(at, pending))",
      },
      typescript: {
        bad: "async remind(at: number) {\n  await this.storage.setAlarm(at)\n}",
        good: "async remind(at: number) {\n  const pending = await this.storage.getAlarm()\n  if (pending === null || at < pending) await this.storage.setAlarm(at)\n}",
      },
      java: {
        bad: "void remind(Instant at) {\n  store.setAlarm(at);\n}",
        good: "void remind(Instant at) {\n  Instant pending = store.getAlarm();\n  if (pending == null || at.isBefore(pending)) store.setAlarm(at);\n}",
      },
      kotlin: {
        bad: "fun remind(at: Instant) {\n  store.setAlarm(at)\n}",
        good: "fun remind(at: Instant) {\n  val pending = store.getAlarm()\n  if (pending == null || at < pending) store.setAlarm(at)\n}",
      },
    },
  },
  check(file, _program, report) {
    for (const call of file.calls) {
      const method = isSlotSetter(call) ? file.methodOf(call) : null
      if (!method || !isShared(file, method) || !dependsOnCaller(file, method, slotInstant(call)))
        continue
      if (isAlarmHandler(method) || readsSlot(file, method) || isOwn(call.name, method)) continue
      const on = receiverOf(call)
      report({
        at: call,
        tier: "likely",
        severity: "medium",
        message: `\`${method.name}\` overwrites a pending alarm without reading it: who calls last decides when it rings`,
        because: [
          { text: `the one alarm of \`${on ? dotted(on) : "the object"}\` is set here`, at: call },
          { text: "to an instant that its caller chose", at: slotInstant(call) },
        ],
        checked: [
          "the pending alarm is not read in this method",
          "the earlier of two instants is not taken",
        ],
      })
    }
  },
}

/** A method of an object, which others call. */
function isShared(file: File, method: Func): boolean {
  return (
    (file.classOf(method) !== null || method.receiver !== null) &&
    method.name !== "constructor" &&
    !method.modifiers.includes("private")
  )
}

/** A setter that passes its argument on is the slot itself, not a user of it. */
function isOwn(setter: string, method: Func): boolean {
  return method.name.toLowerCase() === setter.toLowerCase()
}

/** Whether what the caller passed flows into the instant. */
function dependsOnCaller(file: File, method: Func, at: Node): boolean {
  const names = new Set(
    method.params.map((param) => param.name).filter((name) => !/^(?:self|cls|ctx)?$/.test(name)),
  )
  const text = [
    at,
    ...file.assignments.flatMap((one) => {
      const isIt =
        at.kind === "name" &&
        one.targets.some((target) => target.kind === "name" && target.name === at.name)
      return isIt && one.start >= method.start && one.end <= method.end && one.value
        ? [one.value]
        : []
    }),
  ]
    .map((node) => file.textOf(node))
    .join(" ")
  return [...text.matchAll(/[A-Za-z_$][\w$]*/g)].some(([word]) => names.has(word))
}
