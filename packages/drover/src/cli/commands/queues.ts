import type { Drover, QueueView } from "../../client/index.ts"
import { DroverError, nearest } from "../../errors/index.ts"
import { jobStates } from "../../store/index.ts"
import { formatDuration } from "../../time/index.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { table } from "../table.ts"
import type { Column } from "../table.ts"
import { exitCodes } from "../terminal.ts"
import { durationOf, wholeOf } from "../values.ts"
import { plainJson } from "../plainText.ts"

const VERBS = ["list", "pause", "resume", "resize", "age"] as const

/** `drover queues`: counts and settings of queues, seen by every process. */
export const queues: Command = {
  name: "queues",
  summary: "list, pause, resume or resize queues",
  usage: [
    "queues [list]",
    "queues pause|resume NAME",
    "queues resize NAME N|default",
    "queues age NAME TIME|off",
  ],
  options: {},
  async run(call) {
    const [given = "list", name, value, ...more] = call.positionals
    const verb = VERBS.find((candidate) => candidate === given)
    if (verb === undefined)
      throw new UsageError(`queues: there is no "${given}"; ${VERBS.join(", ")}`)
    const drover = await call.drover()
    if (verb === "list") {
      if (name !== undefined) throw new UsageError("queues list takes no arguments")
      list(await drover.queues(), call)
      return exitCodes.ok
    }
    const needsValue = verb === "resize" || verb === "age"
    if (name === undefined || more.length > 0 || (value !== undefined) !== needsValue) {
      throw new UsageError(`queues ${verb} needs ${needsValue ? "a NAME and a value" : "one NAME"}`)
    }
    await checkName(drover, name, call)
    await change(drover, verb, name, value ?? "")
    const settings = (await drover.queueSettings()).find(({ queue }) => queue === name)
    call.terminal.out(call.json ? plainJson(settings) : `${verb} ${name}: done, all workers see it`)
    return exitCodes.ok
  },
}

async function change(
  drover: Drover,
  verb: "pause" | "resume" | "resize" | "age",
  name: string,
  value: string,
): Promise<void> {
  if (verb === "pause") await drover.pauseQueue(name)
  else if (verb === "resume") await drover.resumeQueue(name)
  else if (verb === "resize") {
    await drover.resizeQueue(
      name,
      value === "default" ? null : wholeOf(value, "the number of slots", 0),
    )
  } else await drover.ageQueue(name, value === "off" ? null : durationOf(value, "the time"))
}

// Pausing a misspelt queue would seem to work, and nothing would stop.
async function checkName(drover: Drover, name: string, call: Call): Promise<void> {
  const config = await call.config()
  const known = new Set([
    ...(await drover.queues(1)).map(({ queue }) => queue),
    ...Object.keys(config.queues ?? {}),
    ...(config.jobs ?? []).map(({ queue }) => queue),
  ])
  if (known.has(name)) return
  const suggestion = nearest(name, [...known])
  throw new DroverError(
    "DROVER_UNKNOWN_QUEUE",
    `there is no queue "${name}"; ${suggestion === undefined ? `known: ${[...known].join(", ") || "none"}` : `did you mean "${suggestion}"?`}`,
    { details: { queue: name } },
  )
}

function list(views: readonly QueueView[], { terminal, json }: Call): void {
  if (json) {
    for (const view of views) terminal.out(plainJson(view))
    return
  }
  const counted =
    (state: keyof QueueView["counts"]) =>
    (view: QueueView): string =>
      view.counts[state] >= view.cap ? `${view.cap}+` : String(view.counts[state])
  const columns: readonly Column<QueueView>[] = [
    { title: "queue", of: ({ queue }) => queue, width: 40 },
    { title: "slots", of: ({ slots }) => slots ?? "default", align: "right" },
    { title: "paused", of: ({ paused }) => (paused ? "yes" : "") },
    {
      title: "aging",
      of: ({ agingMs }) => (agingMs === null ? "" : formatDuration(agingMs)),
      align: "right",
    },
    ...jobStates.map((state): Column<QueueView> => ({
      title: state,
      of: counted(state),
      align: "right",
    })),
    { title: "oldest due", of: ({ oldestDueAt }) => oldestDueAt?.toISOString() ?? "" },
  ]
  terminal.out(views.length === 0 ? "No queues yet." : table(columns, views))
}
