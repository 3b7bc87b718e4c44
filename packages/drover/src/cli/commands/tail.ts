import type { Drover } from "../../client/index.ts"
import type { Transition } from "../../jobs/define/jobView.ts"
import { systemClock } from "../../time/index.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { plainJson, plainText } from "../plainText.ts"
import { exitCodes } from "../terminal.ts"
import { statesOf } from "./selection.ts"
import { texts, whole } from "../values.ts"

const PAGE = 500
// A person reads along; a few looks a second at the end of one index cost nothing.
const PAUSE_MS = 200

/** `drover tail`: transitions of all jobs, as they happen in any process. */
export const tail: Command = {
  name: "tail",
  summary: "follow what happens to jobs, live",
  usage: ["tail [--kind KIND]… [--queue NAME]… [--state STATE]… [--since N] [--once]"],
  options: {
    kind: {
      type: "string",
      short: "k",
      multiple: true,
      value: "KIND",
      about: "only this kind (may be repeated)",
    },
    queue: {
      type: "string",
      short: "q",
      multiple: true,
      value: "NAME",
      about: "only this queue (may be repeated)",
    },
    state: {
      type: "string",
      short: "s",
      multiple: true,
      value: "STATE",
      about: "only transitions to this state",
    },
    since: {
      type: "string",
      value: "N",
      about: "begin after this number of the trail (0: the beginning)",
    },
    once: { type: "boolean", about: "print what is there and end" },
  },
  async run(call) {
    if (call.positionals.length > 0) throw new UsageError("tail takes no arguments")
    const once = call.values["once"] === true
    const since = whole(call.values, "since") ?? (once ? 0 : undefined)
    const wanted = filterOf(call)
    const drover = await call.drover()
    const stop = new AbortController()
    const stopListening = call.terminal.onStop(() => stop.abort())
    try {
      await follow(drover, { since, once, wanted }, stop.signal, call)
    } finally {
      stopListening()
    }
    return exitCodes.ok
  },
}

interface Following {
  readonly since: number | undefined
  readonly once: boolean
  readonly wanted: (entry: Transition) => boolean
}

async function follow(
  drover: Drover,
  { since, once, wanted }: Following,
  signal: AbortSignal,
  call: Call,
): Promise<void> {
  let position = since ?? (await drover.trailAfter(null)).position
  while (!signal.aborted) {
    const page = await drover.trailAfter(position, PAGE)
    for (const entry of page.entries) {
      if (wanted(entry)) call.terminal.out(call.json ? plainJson(entry) : line(entry))
    }
    position = page.position
    if (page.entries.length === PAGE) continue
    if (once) return
    await systemClock.sleep(PAUSE_MS, { signal }).catch(() => undefined)
  }
}

function filterOf(call: Call): (entry: Transition) => boolean {
  const kinds = texts(call.values, "kind")
  const queues = texts(call.values, "queue")
  const states = statesOf(call.values)
  return (entry) =>
    (kinds?.includes(entry.kind) ?? true) &&
    (queues?.includes(entry.queue) ?? true) &&
    (states?.includes(entry.to) ?? true)
}

function line(entry: Transition): string {
  const who = entry.workerId ?? entry.actor
  const why = entry.error === null ? entry.reason : `${entry.error.name}: ${entry.error.message}`
  return plainText(
    `${entry.at.toISOString()}  ${entry.jobId}  ${entry.kind}  ${entry.from ?? "-"} → ${entry.to}  attempt ${entry.attempt}${who === null ? "" : `  ${who}`}${why === null ? "" : `  ${why}`}`,
  )
}
