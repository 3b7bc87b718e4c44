import type { JobFilter } from "../../client/index.ts"
import type { OptionSpecs, OptionValues } from "../command.ts"
import { UsageError } from "../command.ts"
import { instant, text, texts } from "../values.ts"
import { jobStates } from "../../store/index.ts"
import type { JobState } from "../../store/index.ts"

/** The options by which jobs are chosen, wherever jobs are chosen. */
export const selectionOptions: OptionSpecs = {
  state: {
    type: "string",
    short: "s",
    multiple: true,
    value: "STATE",
    about: `state (${jobStates.join(", ")}; may be repeated)`,
  },
  kind: {
    type: "string",
    short: "k",
    multiple: true,
    value: "KIND",
    about: "kind (may be repeated)",
  },
  queue: {
    type: "string",
    short: "q",
    multiple: true,
    value: "NAME",
    about: "queue (may be repeated)",
  },
  tag: {
    type: "string",
    short: "t",
    multiple: true,
    value: "TAG",
    about: "tag; all of them if repeated",
  },
  unique: { type: "string", value: "KEY", about: "unique key" },
  before: { type: "string", value: "INSTANT", about: "enqueued before, as ISO 8601" },
  after: { type: "string", value: "INSTANT", about: "enqueued at or after, as ISO 8601" },
}

/** Reads the selection options. @throws UsageError for a state that does not exist or an unreadable time. */
export function selectionOf(values: OptionValues): JobFilter {
  const states = statesOf(values)
  const kinds = texts(values, "kind")
  const queues = texts(values, "queue")
  const tags = texts(values, "tag")
  const uniqueKey = text(values, "unique")
  const enqueuedBefore = instant(values, "before")
  const enqueuedAfter = instant(values, "after")
  return {
    ...(states !== undefined && { states }),
    ...(kinds !== undefined && { kinds }),
    ...(queues !== undefined && { queues }),
    ...(tags !== undefined && { tags }),
    ...(uniqueKey !== undefined && { uniqueKey }),
    ...(enqueuedBefore !== undefined && { enqueuedBefore }),
    ...(enqueuedAfter !== undefined && { enqueuedAfter }),
  }
}

/** The states that were named. @throws UsageError for one that does not exist. */
export function statesOf(values: OptionValues): readonly JobState[] | undefined {
  const states = texts(values, "state")
  for (const state of states ?? []) {
    if (!(jobStates as readonly string[]).includes(state)) {
      throw new UsageError(`--state: there is no state "${state}"; states: ${jobStates.join(", ")}`)
    }
  }
  return states as readonly JobState[] | undefined
}
