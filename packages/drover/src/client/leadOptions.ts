import { checkOptions, DroverError, orDefault } from "../errors/index.ts"
import { checkLeadership, leadershipDefaults } from "../leadership/index.ts"
import type { LeadershipTimes } from "../leadership/index.ts"
import type { MaintenanceSettings, MaintenanceStart } from "../maintenance/index.ts"
import type { Retention } from "../store/index.ts"
import { parseDuration, parseLimit } from "../time/index.ts"
import type { Duration } from "../time/index.ts"

/** How a client leads. */
export interface LeadOptions {
  /**
   * How long a term lasts unless it is renewed, which happens three times as often. A leader whose process hangs or is
   * cut off is succeeded after it. @default "15s", less where the worker's lease is shorter: as long as that, 3 s at least
   */
  readonly ttl?: Duration
  /** Pause between two looks whether anybody leads. Hints make it fast, this makes it sure. @default "5s" */
  readonly bid?: Duration
}

/** How long finished jobs stay; `false` keeps them for ever. */
export interface RetentionOptions {
  /** @default "1d" */
  readonly completed?: Duration | false
  /** @default "30d" */
  readonly discarded?: Duration | false
  /** @default "7d" */
  readonly cancelled?: Duration | false
  /** Bytes of finished jobs, whatever their age. @default 1 GiB */
  readonly bytes?: number | false
}

/** What the leader's services are told. All clients of a database should say the same: whichever leads decides. */
export interface MaintenanceOptions {
  /** Pause between two rounds of expiry and pruning, and the longest between two looks for dead workers. @default "4s" */
  readonly sweep?: Duration
  /** Longest time for one try to start the leader's services, and for `onMaintenanceStart`. @default "10s" */
  readonly startTimeout?: Duration
  /** Counts of jobs over time, for `drover.statistics()`. `false` takes none. */
  readonly statistics?:
    | false
    | {
        /** @default "1m" */
        readonly every?: Duration
        /** @default "7d" */
        readonly keep?: Duration
      }
}

/** Called in each term before the leader's services start; what it throws, or that it does not end, counts as a failed start. */
export type OnMaintenanceStart = (start: MaintenanceStart) => unknown

/** The same, checked and filled in. */
export interface ResolvedLead {
  /** How it bids when its workers' lease is so long; `null`: this client never leads. */
  readonly timesFor: ((leaseMs: number) => LeadershipTimes) | null
  readonly settings: MaintenanceSettings
  readonly startTimeoutMs: number
  readonly onMaintenanceStart: OnMaintenanceStart | undefined
}

const DEFAULTS = {
  sweep: "4s",
  startTimeout: "10s",
  sample: "1m",
  keepSamples: "7d",
  completed: "1d",
  discarded: "30d",
  cancelled: "7d",
  bytes: 1_073_741_824,
} as const
const MIN_TTL_MS = 300
// A term by default is no longer than a lease, so that who leads next comes in time to rescue whoever led; nor so short
// that a busy event loop costs it.
const MIN_DEFAULT_TTL_MS = 3_000
const MIN_PAUSE_MS = 10

/** Checks what a client was told about leading. @throws DroverError `DROVER_CONFIG`. */
export function resolveLead(options: {
  readonly lead?: boolean | LeadOptions | undefined
  readonly maintenance?: MaintenanceOptions | undefined
  readonly retention?: RetentionOptions | undefined
  readonly onMaintenanceStart?: OnMaintenanceStart | undefined
}): ResolvedLead {
  const { lead = true, maintenance = {}, onMaintenanceStart } = options
  checkOptions(maintenance, ["sweep", "startTimeout", "statistics"], "maintenance")
  if (onMaintenanceStart !== undefined && typeof onMaintenanceStart !== "function") {
    throw new DroverError("DROVER_CONFIG", "onMaintenanceStart: must be a function")
  }
  const { sweep = DEFAULTS.sweep, startTimeout = DEFAULTS.startTimeout } = maintenance
  return Object.freeze({
    timesFor: lead === false ? null : resolveTimes(lead === true ? {} : lead),
    settings: {
      retention: resolveRetention(orDefault(options.retention, {})),
      sweepMs: atLeast(
        MIN_PAUSE_MS,
        parseDuration(sweep, "maintenance.sweep"),
        "maintenance.sweep",
      ),
      ...resolveStatistics(orDefault(maintenance.statistics, {})),
    },
    startTimeoutMs: atLeast(
      1,
      parseDuration(startTimeout, "maintenance.startTimeout"),
      "maintenance.startTimeout",
    ),
    onMaintenanceStart,
  })
}

function resolveTimes(lead: LeadOptions): (leaseMs: number) => LeadershipTimes {
  checkOptions(lead, ["ttl", "bid"], "lead")
  const { ttlMs: longestMs, bidMs: defaultBidMs, jitterMs } = leadershipDefaults
  const givenMs =
    lead.ttl === undefined
      ? undefined
      : atLeast(MIN_TTL_MS, parseDuration(lead.ttl, "lead.ttl"), "lead.ttl")
  const bidMs = lead.bid === undefined ? defaultBidMs : parseDuration(lead.bid, "lead.bid")
  const bids = {
    bidMs: atLeast(MIN_PAUSE_MS, bidMs, "lead.bid"),
    jitterMs: (jitterMs * bidMs) / defaultBidMs,
  }
  return (leaseMs) => {
    const followsMs = Math.min(longestMs, Math.max(MIN_DEFAULT_TTL_MS, leaseMs))
    return checkLeadership({ ...timesOf(givenMs ?? followsMs), ...bids })
  }
}

// The parts keep the proportions of the defaults.
function timesOf(ttlMs: number): LeadershipTimes {
  const { ttlMs: defaultTtlMs, marginMs, requestMs } = leadershipDefaults
  return {
    ...leadershipDefaults,
    ttlMs,
    renewMs: ttlMs / 3,
    marginMs: (marginMs * ttlMs) / defaultTtlMs,
    requestMs: Math.min(requestMs, ttlMs / 3),
  }
}

function resolveStatistics(
  statistics: NonNullable<MaintenanceOptions["statistics"]>,
): Pick<MaintenanceSettings, "sampleMs" | "keepSamplesMs"> {
  if (statistics === false) {
    return { sampleMs: false, keepSamplesMs: parseDuration(DEFAULTS.keepSamples, "keep") }
  }
  checkOptions(statistics, ["every", "keep"], "maintenance.statistics")
  const { every = DEFAULTS.sample, keep = DEFAULTS.keepSamples } = statistics
  const everyMs = parseDuration(every, "maintenance.statistics.every")
  return {
    sampleMs: atLeast(1_000, everyMs, "maintenance.statistics.every"),
    keepSamplesMs: parseDuration(keep, "maintenance.statistics.keep"),
  }
}

function resolveRetention(retention: RetentionOptions): Retention {
  checkOptions(retention, ["completed", "discarded", "cancelled", "bytes"], "retention")
  const { bytes = DEFAULTS.bytes } = retention
  const ageMs = (name: "completed" | "discarded" | "cancelled"): number | false => {
    return parseLimit(orDefault(retention[name], DEFAULTS[name]), `retention.${name}`)
  }
  return {
    completedMs: ageMs("completed"),
    discardedMs: ageMs("discarded"),
    cancelledMs: ageMs("cancelled"),
    bytes: bytes === false ? false : atLeast(0, bytes, "retention.bytes"),
  }
}

function atLeast(least: number, value: number, name: string): number {
  if (Number.isFinite(value) && value >= least) return value
  throw new DroverError(
    "DROVER_CONFIG",
    `${name}: ${JSON.stringify(value) ?? "undefined"} cannot work; it must be at least ${least}`,
    { details: { where: name, value } },
  )
}
