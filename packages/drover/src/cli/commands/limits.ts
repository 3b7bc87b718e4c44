import type { LimitChange, LimitView } from "../../client/index.ts"
import type { LimitSetting } from "../../store/index.ts"
import { formatDuration } from "../../time/index.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { plainJson } from "../plainText.ts"
import { table } from "../table.ts"
import type { Column } from "../table.ts"
import { exitCodes } from "../terminal.ts"
import { durationOf, wholeOf } from "../values.ts"

const VERBS = ["list", "set", "clear"] as const
const MAX_KEYS = 5

/** `drover limits`: what may run at once and start in a window, and what is going on under it. */
export const limits: Command = {
  name: "limits",
  summary: "list, set or clear limits of queues and kinds",
  usage: ["limits [list]", "limits set NAME N|N/TIME|KEY=N,…", "limits clear NAME"],
  options: {},
  async run(call) {
    const [given = "list", name, value, ...more] = call.positionals
    const verb = VERBS.find((candidate) => candidate === given)
    if (verb === undefined)
      throw new UsageError(`limits: there is no "${given}"; ${VERBS.join(", ")}`)
    const drover = await call.drover()
    if (verb === "list") {
      if (name !== undefined) throw new UsageError("limits list takes no arguments")
      list(await drover.limits(), call)
      return exitCodes.ok
    }
    if (name === undefined || more.length > 0 || (value !== undefined) !== (verb === "set")) {
      throw new UsageError(
        `limits ${verb} needs ${verb === "set" ? "a NAME and a value" : "one NAME"}`,
      )
    }
    if (verb === "clear") {
      const reply = await drover.clearLimit(name)
      call.terminal.out(call.json ? plainJson({ limit: name, reply }) : `clear ${name}: ${reply}`)
      return exitCodes.ok
    }
    await drover.setLimit(name, readChange(name, value ?? ""))
    const row = (await drover.limits(1)).find((limit) => limit.name === name)
    const text = `set ${name}: ${show(row?.setting ?? null)}, all workers see it`
    call.terminal.out(call.json ? plainJson(row) : text)
    return exitCodes.ok
  },
}

/** Reads "5", "100/1m" or, of a fair limit, "gold=3,tin=1". */
function readChange(name: string, value: string): LimitChange {
  if (/#fair\./.test(name)) {
    const weights = value.split(",").map((part): [string, number] => {
      const at = part.lastIndexOf("=")
      const weight = Number(part.slice(at + 1))
      if (at > 0 && weight > 0) return [part.slice(0, at), weight]
      throw new UsageError(`limits set: "${part}" is not KEY=WEIGHT`)
    })
    return { weights: Object.fromEntries(weights) }
  }
  const [limit = "", per, ...more] = value.split("/")
  if (more.length > 0) throw new UsageError(`limits set: "${value}" is neither N nor N/TIME`)
  return {
    limit: wholeOf(limit, "the limit", 0),
    ...(per !== undefined && { per: durationOf(per, "the window") }),
  }
}

function show(setting: LimitSetting | null): string {
  if (setting === null) return "none"
  const { max, perMs, weights } = setting
  if (max === null) return weights === null ? "fair" : `fair, weights ${JSON.stringify(weights)}`
  return perMs === null ? String(max) : `${max}/${windowOf(perMs)}`
}

/** A window as it is written, to the millisecond. */
function windowOf(perMs: number): string {
  return perMs % 1_000 === 0 ? formatDuration(perMs) : `${perMs}ms`
}

function list(views: readonly LimitView[], { terminal, json }: Call): void {
  if (json) {
    for (const view of views) terminal.out(plainJson(view))
    return
  }
  const columns: readonly Column<LimitView>[] = [
    { title: "limit", of: ({ name }) => name, width: 60 },
    { title: "now", of: ({ setting }) => show(setting) },
    { title: "in code", of: ({ declared }) => show(declared) },
    { title: "set by", of: ({ setBy }) => setBy ?? "" },
    { title: "running", of: ({ running }) => running, align: "right" },
    { title: "starts", of: ({ starts }) => starts, align: "right" },
    { title: "waiting", of: ({ waiting }) => waiting, align: "right" },
    { title: "busiest keys", of: ({ keys }) => busiest(keys), width: 60 },
  ]
  terminal.out(views.length === 0 ? "No limits." : table(columns, views))
}

function busiest(keys: LimitView["keys"]): string {
  return keys
    .slice(0, MAX_KEYS)
    .map(({ key, running, starts }) => `${key} ${running + starts}`)
    .join(", ")
}
