import type { Worker } from "../../jobs/work/worker.ts"
import type { Logger } from "../../events/index.ts"
import { asConfigured } from "../blame.ts"
import type { Call, Command } from "../command.ts"
import { UsageError } from "../command.ts"
import { plainJson, plainText } from "../plainText.ts"
import { exitCodes } from "../terminal.ts"
import type { ExitCode } from "../terminal.ts"
import { duration, texts } from "../values.ts"

/** `drover work`: a worker process. The first signal stops it gracefully, the second at once. */
export const work: Command = {
  name: "work",
  summary: "run jobs until a signal comes",
  usage: ["work [--queue NAME]… [--grace 30s]"],
  options: {
    queue: {
      type: "string",
      multiple: true,
      value: "NAME",
      about: "work on this queue only (may be repeated)",
    },
    grace: { type: "string", value: "TIME", about: "how long a stop waits for running jobs (10s)" },
    quiet: { type: "boolean", about: "do not log" },
  },
  async run(call) {
    if (call.positionals.length > 0)
      throw new UsageError("work takes no arguments; name queues with --queue")
    const config = await call.config()
    const drover = await call.drover({
      ...(call.values["quiet"] !== true &&
        config.logger === undefined && { logger: lineLogger(call) }),
    })
    const queues = texts(call.values, "queue")
    const grace = duration(call.values, "grace")
    const stopRequest = nextStop(call)
    // The words were checked above; what else it refuses stands in the configuration.
    const worker = await asConfigured(() =>
      drover.work({
        ...(queues !== undefined && { queues }),
        ...(grace !== undefined && { stopGrace: grace }),
      }),
    )
    // With --db, or where the list was forgotten: jobs would wait for ever beside a worker that looks well.
    if ((config.jobs ?? []).length === 0) {
      call.terminal.note(
        "This configuration has no jobs: the worker runs none, and does only what leaders do.",
      )
    }
    return untilStopped(worker, stopRequest, call)
  },
}

async function untilStopped(
  worker: Worker,
  stopRequest: Promise<string>,
  call: Call,
): Promise<ExitCode> {
  const failed = new Promise<{ readonly error: unknown }>((resolve) => {
    worker.onFailed((error) => resolve({ error }))
  })
  const first = await Promise.race([stopRequest, failed])
  if (typeof first !== "string") throw first.error
  let forced = false
  // Before anybody is told that they may ask again: without a listener, the next signal would kill.
  const stopListening = call.terminal.onStop(() => {
    forced = true
    void worker.stopNow()
  })
  call.terminal.note(
    `${first}: finishing ${worker.running().length} running jobs; again to stop at once`,
  )
  await worker.stop()
  stopListening()
  // Handed back, not lost; but whoever started us should know that we did not end by ourselves.
  return forced ? exitCodes.failed : exitCodes.ok
}

function nextStop(call: Call): Promise<string> {
  return new Promise((resolve) => {
    const stopListening = call.terminal.onStop((signal) => {
      stopListening()
      resolve(signal)
    })
  })
}

// One line for each event: JSON for machines, `level message field=value…` for people.
function lineLogger({ terminal, json }: Call): Logger {
  const line =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      terminal.out(
        json
          ? plainJson({ level, message, ...plain(fields) })
          : `${level.padEnd(5)} ${plainText(message)}${Object.entries(plain(fields))
              .map(
                ([name, value]) =>
                  ` ${name}=${plainText(typeof value === "string" ? value : (plainJson(value) ?? ""))}`,
              )
              .join("")}`,
      )
    }
  return {
    debug: () => {},
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    isLevelEnabled: (level) => level !== "debug",
  }
}

// Errors have no enumerable fields, so JSON would show them as {}.
function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Error ? `${value.name}: ${value.message}` : value,
    ]),
  )
}
