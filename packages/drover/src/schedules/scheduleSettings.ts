import { hash } from "node:crypto"
import { DroverError } from "../errors/index.ts"
import type { NewJob, NewUnique, OverlapPolicy, ScheduleRow } from "../store/index.ts"
import { Timing } from "./timing/timing.ts"
import type { TimingSettings } from "./timing/timing.ts"

/** What happens to planned instants that passed while nobody could act on them. */
export type CatchUpPolicy =
  /** None runs, but for the latest if it is hardly late. */
  | "skip"
  /** The latest runs. */
  | "latest"
  /** The latest so many run, in order. */
  | { readonly all: number }

/** A unique key as it is stored with a schedule. */
export type StoredUnique = Omit<NewUnique, "hash"> & {
  /** In hexadecimal. */
  readonly hash: string
}

/** The job that every tick becomes: a row without what is its own. */
export interface JobTemplate extends Omit<NewJob, "id" | "delayMs" | "runAt" | "unique"> {
  /** The kind's key; `false` when the schedule takes it away, `null` when an edit left none. Absent for none. */
  readonly unique?: StoredUnique | false | null
}

/** Everything that is decided about a schedule. Flat, so that code and operators can each decide field by field. */
export interface ScheduleSettings extends TimingSettings, JobTemplate {
  readonly catchUp: CatchUpPolicy
  readonly overlap: OverlapPolicy
  /** Largest delay of a tick behind its planned instant. */
  readonly jitterMs: number
  /** Under `catchUp: "skip"`, how late the latest tick may be and still run. */
  readonly lateAfterMs: number
}

/** Those fields that were decided; what is stored for code and for operators. */
export type SettingsPatch = { readonly [K in keyof ScheduleSettings]?: ScheduleSettings[K] }

// In one place, and in the order in which texts are written, so that equal settings have equal texts.
const NAMES: readonly (keyof ScheduleSettings)[] = [
  "cron",
  "everyMs",
  "timeZone",
  "missingHour",
  "doubledHour",
  "startAt",
  "endAt",
  "catchUp",
  "overlap",
  "jitterMs",
  "lateAfterMs",
  "kind",
  "queue",
  "priority",
  "input",
  "expireMs",
  "maxAttempts",
  "maxCrashes",
  "timeoutMs",
  "retry",
  "tags",
  "metadata",
  "keys",
  "unique",
]
// What most schedules have not.
const OPTIONAL: readonly (keyof ScheduleSettings)[] = ["keys", "unique"]

/** The fields on which planned instants hang. */
export const timingNames: readonly (keyof ScheduleSettings)[] = NAMES.slice(0, 7)

/** Writes settings, or some of them, as they are stored. */
export function writeSettings(settings: SettingsPatch): string {
  const entries = NAMES.filter((name) => settings[name] !== undefined)
  return JSON.stringify(Object.fromEntries(entries.map((name) => [name, settings[name]])))
}

/** Reads a stored text. @throws DroverError `DROVER_CONFIG` when it is not one. */
export function readPatch(text: string | null, name: string): SettingsPatch {
  if (text === null) return {}
  try {
    return JSON.parse(text) as SettingsPatch
  } catch (cause) {
    const message = `schedule ${name}: what is stored about it cannot be read`
    throw new DroverError("DROVER_CONFIG", message, { details: { schedule: name }, cause })
  }
}

/** What holds for a schedule: what operators decided, and for the rest what the code says. */
export function settingsOf(
  row: Pick<ScheduleRow, "name" | "declared" | "changed">,
): ScheduleSettings {
  const settings = { ...readPatch(row.declared, row.name), ...readPatch(row.changed, row.name) }
  for (const name of NAMES) {
    if (settings[name] !== undefined || OPTIONAL.includes(name)) continue
    throw new DroverError("DROVER_CONFIG", `schedule ${row.name}: its ${name} is missing`, {
      details: { schedule: row.name },
    })
  }
  return settings as ScheduleSettings
}

/** The planned instants of a schedule. @throws DroverError `DROVER_CONFIG` for what cannot be read here. */
export function timingOf(
  row: Pick<ScheduleRow, "name" | "anchorAt">,
  settings: ScheduleSettings,
): Timing {
  return new Timing(settings, row.anchorAt, row.name)
}

/**
 * When a tick is due: its planned instant and its jitter. The jitter hangs on schedule and instant only, so that a tick
 * that is planned again is due at the same time. It ends before the next planned instant, however long it is: else a
 * later tick could be due before it, and ticks that are due together count as missed but for the last.
 */
export function dueAt(
  name: string,
  settings: ScheduleSettings,
  at: number,
  timing: Timing,
): number {
  if (settings.jitterMs === 0) return at
  const followingAt = timing.next(at)
  const longestMs = settings.jitterMs + 1
  const roomMs = followingAt === null ? longestMs : Math.min(longestMs, followingAt - at)
  const digest = hash("sha256", `${name}\0${at}`, "buffer")
  return at + Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * roomMs)
}
