import { DroverError, nearest } from "../../errors/index.ts"
import { defineJob } from "../../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../../jobs/define/jobDefinition.ts"
import { schedule } from "../../schedules/index.ts"
import type { CatchUpPolicy, ScheduleDefinition, ScheduleEdit } from "../../schedules/index.ts"
import type { OptionSpecs, OptionValues } from "../command.ts"
import { UsageError } from "../command.ts"
import { duration, instant, json, text, texts, whole } from "../values.ts"

/** What may be said about a schedule on the command line. */
export const scheduleOptions: OptionSpecs = {
  cron: { type: "string", value: "CRON", about: 'when: "0 9 * * *", with seconds first if six' },
  every: { type: "string", value: "TIME", about: "an interval instead: 90s" },
  "time-zone": {
    type: "string",
    value: "ZONE",
    about: "zone of the cron expression: Europe/Paris",
  },
  "missing-hour": { type: "string", value: "run|skip", about: "where the clocks leap over it" },
  "doubled-hour": { type: "string", value: "once|twice", about: "where the clocks show it twice" },
  "start-at": { type: "string", value: "TIME", about: "no tick before; none: no bound" },
  "end-at": { type: "string", value: "TIME", about: "no tick after; none: no bound" },
  "catch-up": { type: "string", value: "skip|latest|N", about: "which missed ticks run" },
  "late-after": { type: "string", value: "TIME", about: "how late counts as missed, with skip" },
  overlap: { type: "string", value: "allow|skip|queue-one", about: "while the former job runs" },
  jitter: { type: "string", value: "TIME", about: "spread ticks over this long" },
  kind: { type: "string", value: "KIND", about: "kind of the jobs (create)" },
  unchecked: {
    type: "boolean",
    about: "create: allow a kind that the configuration does not know",
  },
  input: { type: "string", value: "JSON", about: "input of the jobs" },
  queue: { type: "string", value: "NAME", about: "queue of the jobs" },
  priority: { type: "string", value: "N", about: "priority of the jobs, 0 first" },
  tag: { type: "string", multiple: true, value: "TAG", about: "tag of the jobs; may be repeated" },
}

/** Reads what was said about a schedule. @throws UsageError for what cannot be read. */
export function readScheduleOptions(values: OptionValues): ScheduleEdit {
  const given = {
    cron: text(values, "cron"),
    every: duration(values, "every"),
    timeZone: text(values, "time-zone"),
    missingHour: text(values, "missing-hour"),
    doubledHour: text(values, "doubled-hour"),
    startAt: bound(values, "start-at"),
    endAt: bound(values, "end-at"),
    catchUp: catchUp(values),
    lateAfter: duration(values, "late-after"),
    overlap: text(values, "overlap"),
    jitter: duration(values, "jitter"),
    input: text(values, "input") === undefined ? undefined : input(values),
    queue: text(values, "queue"),
    priority: whole(values, "priority"),
    tags: texts(values, "tag"),
  }
  // What the words mean is checked where schedules are, with the same errors as in code.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as ScheduleEdit
}

/** A schedule as the command line describes it. @param jobs the kinds of the configuration, which check inputs. */
export function readNewSchedule(
  name: string,
  values: OptionValues,
  jobs: readonly JobDefinition[],
): ScheduleDefinition {
  const kind = text(values, "kind")
  if (kind === undefined) throw new UsageError("schedules create needs --kind KIND")
  const { startAt, endAt, ...rest } = readScheduleOptions(values)
  const job = jobs.find((known) => known.kind === kind) ?? unknownKind(kind, jobs, values)
  return schedule(name, {
    ...rest,
    ...(startAt !== undefined && startAt !== null && { startAt }),
    ...(endAt !== undefined && endAt !== null && { endAt }),
    job,
  })
}

// Nobody would run its jobs, and nothing would say so. Without a configuration there is nothing to check it by.
function unknownKind(
  kind: string,
  jobs: readonly JobDefinition[],
  values: OptionValues,
): JobDefinition {
  if (jobs.length > 0 && values["unchecked"] !== true) {
    const known = jobs.map((job) => job.kind)
    const suggestion = nearest(kind, known)
    const hint =
      suggestion === undefined ? `known: ${known.join(", ")}` : `did you mean "${suggestion}"?`
    throw new DroverError(
      "DROVER_UNKNOWN_KIND",
      `"${kind}" is not a kind of this configuration; ${hint} Pass --unchecked to create the schedule all the same`,
      { details: { kind } },
    )
  }
  return defineJob(kind, { run: () => {} })
}

function bound(values: OptionValues, name: string): Date | null | undefined {
  return text(values, name) === "none" ? null : instant(values, name)
}

function catchUp(values: OptionValues): CatchUpPolicy | undefined {
  const value = text(values, "catch-up")
  if (value === undefined || value === "skip" || value === "latest") return value
  return { all: whole(values, "catch-up", 1) ?? 0 }
}

function input(values: OptionValues): unknown {
  return json(text(values, "input") ?? "", "--input")
}
