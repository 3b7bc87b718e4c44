import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { DroverError } from "../../errors/index.ts"
import type { ClientEnqueueOptions, Drover } from "../../client/index.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { exitCodes } from "../terminal.ts"
import { duration, instant, json, text, texts, whole } from "../values.ts"
import { plainJson } from "../plainText.ts"

/** `drover enqueue KIND [INPUT]`: one job, validated as the program would. */
export const enqueue: Command = {
  name: "enqueue",
  summary: "enqueue a job",
  usage: ["enqueue KIND [JSON | @FILE | -] [OPTIONS]"],
  options: {
    queue: { type: "string", value: "NAME", about: "queue instead of the kind's" },
    priority: { type: "string", value: "N", about: "0 (first) to 1000" },
    in: { type: "string", value: "TIME", about: "run after this wait, such as 10m" },
    at: { type: "string", value: "INSTANT", about: "run at this instant, as ISO 8601" },
    expire: {
      type: "string",
      value: "TIME",
      about: "discard it if it was not started this long after it was due",
    },
    unique: {
      type: "string",
      value: "KEY",
      about: "do nothing if a job with this key waits or runs",
    },
    tag: { type: "string", multiple: true, value: "TAG", about: "tag (may be repeated)" },
    id: { type: "string", value: "UUID", about: "id, so that the command can be repeated safely" },
    wait: { type: "string", value: "TIME", about: "wait for the result this long and print it" },
    unchecked: { type: "boolean", about: "allow a kind that the configuration does not know" },
  },
  async run(call) {
    const [kind, given, ...more] = call.positionals
    if (kind === undefined || more.length > 0)
      throw new UsageError("enqueue needs a KIND and at most one input")
    const input = await readInput(given, call)
    const config = await call.config()
    checkKind(
      kind,
      (config.jobs ?? []).map((job) => job.kind),
      call,
    )
    // Before the job is there: a time that cannot be read must not be told of afterwards.
    const wait = duration(call.values, "wait")
    const drover = await call.drover({})
    const handle = await drover.enqueueKind(kind, input, optionsOf(call))
    call.terminal.out(
      call.json
        ? plainJson({ id: handle.id, status: handle.status })
        : `${handle.id} ${handle.status}`,
    )
    if (wait !== undefined) await printResult(drover, handle.id, wait, call)
    return exitCodes.ok
  },
}

async function readInput(given: string | undefined, call: Call): Promise<unknown> {
  if (given === undefined) return undefined
  if (given === "-") return json(await call.terminal.readInput(), "standard input")
  if (!given.startsWith("@")) return json(given, "the input")
  const path = resolve(call.terminal.cwd, given.slice(1))
  const content = await readFile(path, "utf8").catch((error: Error) => {
    throw new UsageError(`${path}: ${error.message}`)
  })
  return json(content, path)
}

function checkKind(kind: string, known: readonly string[], call: Call): void {
  if (known.includes(kind) || call.values["unchecked"] === true) return
  throw new DroverError(
    "DROVER_UNKNOWN_KIND",
    `"${kind}" is not a kind of this configuration (known: ${known.join(", ") || "none"}); its input cannot be checked. Pass --unchecked to enqueue it all the same`,
    { details: { kind } },
  )
}

function optionsOf({ values }: Call): ClientEnqueueOptions {
  const queue = text(values, "queue")
  const priority = whole(values, "priority")
  const runIn = duration(values, "in")
  const runAt = instant(values, "at")
  const expireIn = duration(values, "expire")
  const unique = text(values, "unique")
  const tags = texts(values, "tag")
  const id = text(values, "id")
  return {
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority }),
    ...(runIn !== undefined && { runIn }),
    ...(runAt !== undefined && { runAt }),
    ...(expireIn !== undefined && { expireIn }),
    ...(unique !== undefined && { unique }),
    ...(tags !== undefined && { tags }),
    ...(id !== undefined && { id }),
  }
}

async function printResult(drover: Drover, id: string, timeout: string, call: Call): Promise<void> {
  const result = await drover.job(id).result({ timeout })
  call.terminal.out(call.json ? plainJson({ id, result }) : plainJson(result))
}
