import type { Drover } from "../../client/index.ts"
import { DroverError } from "../../errors/index.ts"
import type { Job, StoredLog, Transition } from "../../jobs/define/jobView.ts"
import type { StoredError } from "../../store/index.ts"
import type { Call } from "../command.ts"
import { plainJson, plainLines, plainText } from "../plainText.ts"
import { exitCodes } from "../terminal.ts"
import type { ExitCode } from "../terminal.ts"

/** `drover jobs show ID`: everything that is known of one job. */
export async function showJob(drover: Drover, id: string, call: Call): Promise<ExitCode> {
  const job = await drover.get(id)
  if (job === null) {
    throw new DroverError("DROVER_JOB_NOT_FOUND", `there is no job ${id}`, { details: { id } })
  }
  const [trail, log] = await Promise.all([drover.trail(id), drover.log(id)])
  if (call.json) call.terminal.out(plainJson({ job, trail, log }))
  else
    call.terminal.out(
      [facts(job), trailText(trail), logText(log), errorText(job.error)]
        .filter(Boolean)
        .join("\n\n"),
    )
  return exitCodes.ok
}

function facts(job: Job): string {
  const lines: (readonly [string, unknown])[] = [
    ["id", job.id],
    ["kind", job.kind],
    ["queue", job.queue],
    ["state", job.reason === null ? job.state : `${job.state} (${job.reason})`],
    ["priority", job.priority],
    [
      "attempt",
      `${job.attempt}, failures ${job.failures} of ${job.maxAttempts || "any"}, crashes ${job.crashes} of ${job.maxCrashes}, interruptions ${job.interruptions}`,
    ],
    ["enqueued", job.enqueuedAt],
    ["due", job.runAt],
    ["expires", job.expiresAt],
    ["started", job.startedAt],
    ["finished", job.finishedAt],
    [
      "cancel",
      job.cancelRequestedAt === null
        ? null
        : `requested ${job.cancelRequestedAt.toISOString()} by ${job.cancelRequestedBy}`,
    ],
    ["worker", job.workerId],
    ["unique", job.uniqueKey],
    ["tags", job.tags.length === 0 ? null : job.tags.join(" ")],
    ["metadata", Object.keys(job.metadata).length === 0 ? null : JSON.stringify(job.metadata)],
    ["progress", job.progress === null ? null : JSON.stringify(job.progress.value)],
    ["input", JSON.stringify(job.input)],
    ["result", job.result === undefined ? null : JSON.stringify(job.result)],
  ]
  return lines
    .filter(([, value]) => value !== null)
    .map(
      ([name, value]) =>
        `${name.padEnd(9)} ${plainText(value instanceof Date ? value.toISOString() : String(value))}`,
    )
    .join("\n")
}

function trailText(trail: readonly Transition[]): string {
  const lines = trail.map((step) => {
    const who = step.workerId ?? step.actor
    const why = step.error === null ? step.reason : `${step.error.name}: ${step.error.message}`
    return `  ${step.at.toISOString()}  ${(step.from ?? "-").padEnd(9)} → ${step.to.padEnd(9)}  attempt ${step.attempt}${who === null ? "" : `  ${plainText(who)}`}${why === null ? "" : `  ${plainText(why)}`}`
  })
  return ["trail", ...lines].join("\n")
}

function logText({ lines, dropped }: StoredLog): string {
  if (lines.length === 0 && dropped === 0) return ""
  const texts = lines.map(
    (line) =>
      `  ${line.at.toISOString()}  ${line.level.padEnd(5)}  ${plainText(line.message)}${line.fields === null ? "" : ` ${plainText(JSON.stringify(line.fields))}`}`,
  )
  return ["log", ...texts, ...(dropped > 0 ? [`  (${dropped} lines were not kept)`] : [])].join(
    "\n",
  )
}

function errorText(error: StoredError | null): string {
  if (error === null) return ""
  const text = error.stack ?? `${error.name}: ${error.message}`
  const indented = plainLines(text).replaceAll("\n", "\n  ")
  return `error\n  ${indented}${error.cause === undefined ? "" : `\n  caused by ${plainText(`${error.cause.name}: ${error.cause.message}`)}`}`
}
