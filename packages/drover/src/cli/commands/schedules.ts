import type { Drover } from "../../client/index.ts"
import { DroverError, nearest } from "../../errors/index.ts"
import { formatDuration } from "../../time/index.ts"
import type { ScheduleRules, ScheduleView, TickView } from "../../schedules/index.ts"
import { asConfigured } from "../blame.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { plainJson, plainText } from "../plainText.ts"
import { table } from "../table.ts"
import type { Column } from "../table.ts"
import { exitCodes } from "../terminal.ts"
import type { ExitCode } from "../terminal.ts"
import { takesOnly, whole } from "../values.ts"
import { readNewSchedule, readScheduleOptions, scheduleOptions } from "./scheduleOptions.ts"

const CHANGES = ["pause", "resume", "delete", "restore", "reset"] as const
const VERBS = ["list", "show", "next", "history", "changes", "trigger", ...CHANGES] as const
const ALL_VERBS = [...VERBS, "edit", "create", "deploy"] as const
const RULES = Object.keys(scheduleOptions)
const OF_CREATE = ["kind", "unchecked"]
// Which options a verb looks at; the others look at none.
const TAKES: { readonly [V in (typeof ALL_VERBS)[number]]?: readonly string[] } = {
  show: ["limit"],
  next: ["limit"],
  history: ["limit"],
  changes: ["limit"],
  edit: RULES.filter((name) => !OF_CREATE.includes(name)),
  create: RULES,
  deploy: ["force"],
}

/** `drover schedules`: what recurs, when it is due next, what became of it, and who changed it. */
export const schedules: Command = {
  name: "schedules",
  summary: "list, look ahead, pause, change, trigger or create schedules",
  usage: [
    "schedules [list]",
    "schedules show|next|history|changes NAME [--limit N]",
    "schedules pause|resume|trigger|delete|restore|reset NAME",
    "schedules edit NAME --cron CRON | --every TIME | …",
    "schedules create NAME --kind KIND --cron CRON | --every TIME …",
    "schedules deploy [--force]",
  ],
  options: {
    ...scheduleOptions,
    limit: { type: "string", value: "N", about: "how many lines or ticks; 20 unless told" },
    force: { type: "boolean", about: "deploy: make this configuration the current one again" },
  },
  async run(call) {
    const [given = "list", name, ...more] = call.positionals
    const verb = ALL_VERBS.find((candidate) => candidate === given)
    if (verb === undefined) {
      throw new UsageError(`schedules: there is no "${given}"; ${ALL_VERBS.join(", ")}`)
    }
    const takesName = verb !== "list" && verb !== "deploy"
    if (more.length > 0 || (name !== undefined) !== takesName) {
      throw new UsageError(`schedules ${verb} takes ${takesName ? "one NAME" : "no arguments"}`)
    }
    takesOnly(call.values, `schedules ${verb}`, TAKES[verb] ?? [])
    const drover = await call.drover()
    if (name === undefined) return verb === "deploy" ? deploy(drover, call) : list(drover, call)
    return withName(verb, name, drover, call)
  },
}

async function withName(verb: string, name: string, drover: Drover, call: Call): Promise<ExitCode> {
  const change = CHANGES.find((candidate) => candidate === verb)
  if (change !== undefined) {
    if (change === "delete") await drover.schedules.remove(name)
    else await drover.schedules[change](name)
    return done(`${verb} ${name}: done, all processes see it`, name, drover, call)
  }
  switch (verb) {
    case "edit":
      return edit(name, drover, call)
    case "create": {
      const { jobs = [] } = await call.config()
      await drover.schedules.create(readNewSchedule(name, call.values, jobs))
      return done(`create ${name}: done`, name, drover, call)
    }
    case "trigger": {
      const jobId = await drover.schedules.trigger(name)
      call.terminal.out(call.json ? plainJson({ jobId }) : `trigger ${name}: job ${jobId}`)
      return exitCodes.ok
    }
    case "history":
      return history(name, drover, call)
    case "changes":
      return changes(name, drover, call)
    default:
      return show(verb, name, drover, call)
  }
}

async function edit(name: string, drover: Drover, call: Call): Promise<ExitCode> {
  const fields = readScheduleOptions(call.values)
  if (Object.keys(fields).length === 0) {
    throw new UsageError("schedules edit needs at least one option to change, such as --cron")
  }
  await drover.schedules.edit(name, fields)
  return done(`edit ${name}: done, a deploy does not undo it`, name, drover, call)
}

async function deploy(drover: Drover, call: Call): Promise<ExitCode> {
  const force = call.values["force"] === true
  const reply = await asConfigured(() => drover.deploySchedules({ force }))
  const texts = {
    applied: "deploy: the schedules of this configuration are in force",
    superseded: "deploy: a newer configuration is in force; --force makes this one current again",
    none: "deploy: this configuration declares no schedules",
  }
  call.terminal.out(call.json ? plainJson({ reply }) : texts[reply])
  return reply === "applied" ? exitCodes.ok : exitCodes.failed
}

async function done(line: string, name: string, drover: Drover, call: Call): Promise<ExitCode> {
  const view = await drover.schedules.get(name, { next: 1 })
  call.terminal.out(call.json ? plainJson(view) : `${line}${nextOf(view)}`)
  return exitCodes.ok
}

async function list(drover: Drover, call: Call): Promise<ExitCode> {
  const views = await drover.schedules.list({ next: 1 })
  if (call.json) {
    for (const view of views) call.terminal.out(plainJson(view))
    return exitCodes.ok
  }
  const columns: readonly Column<ScheduleView>[] = [
    { title: "schedule", of: ({ name }) => name, width: 40 },
    { title: "status", of: ({ status }) => status },
    { title: "when", of: ({ rules }) => when(rules), width: 40 },
    { title: "kind", of: ({ rules }) => rules?.kind ?? "", width: 30 },
    { title: "next", of: ({ next }) => next[0]?.toISOString() ?? "" },
    { title: "last", of: ({ lastAt }) => lastAt?.toISOString() ?? "" },
    { title: "changed", of: ({ changedFields, deployment }) => note(changedFields, deployment) },
    { title: "failure", of: ({ failure }) => failure ?? "" },
  ]
  call.terminal.out(views.length === 0 ? "No schedules yet." : table(columns, views))
  return exitCodes.ok
}

async function show(verb: string, name: string, drover: Drover, call: Call): Promise<ExitCode> {
  const next = whole(call.values, "limit", 1) ?? (verb === "next" ? 20 : 5)
  const view = await drover.schedules.get(name, { next })
  if (view === null) throw await notFound(name, drover)
  if (call.json) {
    call.terminal.out(plainJson(verb === "next" ? view.next : view))
    return exitCodes.ok
  }
  if (verb === "show") for (const line of describe(view)) call.terminal.out(plainText(line))
  for (const at of view.next) call.terminal.out(inZone(at, view.rules?.timeZone ?? "UTC"))
  if (view.next.length === 0) call.terminal.out(`${name} is ${view.status}: no tick comes`)
  return exitCodes.ok
}

async function history(name: string, drover: Drover, call: Call): Promise<ExitCode> {
  const limit = whole(call.values, "limit", 1) ?? 20
  const ticks = await drover.schedules.ticks(name, { limit })
  if (call.json) {
    for (const tick of ticks) call.terminal.out(plainJson(tick))
    return exitCodes.ok
  }
  const columns: readonly Column<TickView>[] = [
    { title: "tick", of: ({ at }) => at.toISOString() },
    {
      title: "through",
      of: ({ at, throughAt }) => (at < throughAt ? throughAt.toISOString() : ""),
    },
    { title: "ticks", of: ({ count }) => count ?? "many", align: "right" },
    { title: "job", of: ({ jobId }) => jobId ?? "" },
    {
      title: "reason",
      of: ({ reason, actor }) => reason ?? (actor ? `triggered by ${actor}` : ""),
    },
  ]
  call.terminal.out(ticks.length === 0 ? "No ticks yet." : table(columns, ticks))
  return exitCodes.ok
}

async function changes(name: string, drover: Drover, call: Call): Promise<ExitCode> {
  const limit = whole(call.values, "limit", 1) ?? 20
  for (const change of await drover.schedules.changes(name, { limit })) {
    const { at, actor, action, detail } = change
    const more = detail === null ? "" : ` ${JSON.stringify(detail)}`
    call.terminal.out(
      call.json
        ? plainJson(change)
        : plainText(`${at.toISOString()}  ${action} by ${actor}${more}`),
    )
  }
  return exitCodes.ok
}

async function notFound(name: string, drover: Drover): Promise<DroverError> {
  const names = (await drover.schedules.list({ next: 0 })).map((view) => view.name)
  const suggestion = nearest(name, names)
  const hint = suggestion === undefined ? "" : `; did you mean "${suggestion}"?`
  return new DroverError("DROVER_UNKNOWN_SCHEDULE", `there is no schedule "${name}"${hint}`, {
    details: { schedule: name },
  })
}

function describe(view: ScheduleView): readonly string[] {
  const { name, status, rules, changedFields, deployment, failure, updatedBy, updatedAt } = view
  const lines = [`${name}: ${status}`]
  if (failure !== null) lines.push(`failure: ${failure}`)
  if (rules !== null) {
    const { kind, queue, priority, overlap, catchUp, jitterMs } = rules
    lines.push(`when: ${when(rules)}`)
    lines.push(
      `job: ${kind} on ${queue}, priority ${priority}, input ${JSON.stringify(rules.input)}`,
    )
    const late = typeof catchUp === "string" ? catchUp : `all, at most ${catchUp.all}`
    lines.push(`catch up: ${late}; overlap: ${overlap}; jitter: ${formatDuration(jitterMs)}`)
  }
  lines.push(`declared by: ${deployment ?? "nobody; made at run time"}`)
  if (changedFields.length > 0) lines.push(`changed by operators: ${changedFields.join(", ")}`)
  lines.push(`last change: ${updatedAt.toISOString()} by ${updatedBy}`)
  return lines
}

function when(rules: ScheduleRules | null): string {
  if (rules === null) return "?"
  const { cron, everyMs, timeZone } = rules
  if (everyMs !== null) return `every ${formatDuration(everyMs)}`
  return timeZone === "UTC" ? (cron ?? "") : `${cron} ${timeZone}`
}

function note(changedFields: readonly string[], deployment: string | null): string {
  if (deployment === null) return "run time"
  return changedFields.length === 0 ? "" : "by operator"
}

// Only an active schedule fires; what is planned of a paused one is no promise.
function nextOf(view: ScheduleView | null): string {
  const at = view?.status === "active" ? view.next[0] : undefined
  return at === undefined ? "" : `; next ${at.toISOString()}`
}

// Both readings: the instant, and what the clock on the wall will show.
function inZone(at: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    dateStyle: "short",
    timeStyle: "medium",
  })
  return timeZone === "UTC"
    ? at.toISOString()
    : `${at.toISOString()}  ${format.format(at)} ${timeZone}`
}
