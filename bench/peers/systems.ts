/** One of those who are compared: what it is, how it is set, and what it does less than Drover. */
export interface System {
  readonly name: string
  /** The file in sides/ that speaks for it, or River's program. */
  readonly side: "drover" | "graphile" | "pgBoss" | "bullmq" | "river" | "ceiling"
  readonly profile: string
  readonly database: "postgres" | "redis" | "sqlite"
  /** The npm package that has to be installed in this folder, or the Go module. */
  readonly library: string
  /** Processes that work; another one enqueues. */
  readonly workers: number
  /** Share of the jobs it is given, so that the slow ones do not make the run long. A rate is a rate. */
  readonly share: number
  readonly settings: string
  /** What it does not do that Drover does; printed with the figures. */
  readonly less: string
  /** What a job of a killed worker waits for by default, when that is more than a minute: named, not waited for. */
  readonly slowRecovery: string | null
  /** Whether finished jobs stay, so that a long history can be made. */
  readonly keeps: boolean
  /** The same in a profile whose history is not tidied away while it is measured. */
  readonly historyProfile?: string
  /** How long its fleet has to be up before a kill is a kill in the middle of work. */
  readonly settleMs?: number
  /** It only drains and enqueues in bulk. */
  readonly isCeiling?: boolean
}

const droverLibrary = "drover"

/** In the order in which they take turns. */
export const systems: readonly System[] = [
  {
    name: "drover-postgres",
    side: "drover",
    profile: "postgres",
    database: "postgres",
    library: droverLibrary,
    workers: 1,
    share: 1,
    settings: "defaults: 1 process, 100 slots, pool of 10",
    less: "",
    slowRecovery: null,
    settleMs: 35000,
    keeps: true,
    historyProfile: "postgres-history",
  },
  {
    name: "drover-postgres-tuned",
    side: "drover",
    profile: "postgres-tuned",
    database: "postgres",
    library: droverLibrary,
    workers: 2,
    share: 1,
    settings: "2 processes of 500 slots, lease 1 s",
    less: "",
    slowRecovery: null,
    settleMs: 5000,
    keeps: false,
  },
  {
    name: "drover-sqlite",
    side: "drover",
    profile: "sqlite",
    database: "sqlite",
    library: droverLibrary,
    workers: 1,
    share: 1,
    settings: "defaults: 1 process, 100 slots, every commit synced",
    less: "",
    slowRecovery: null,
    keeps: true,
    historyProfile: "sqlite-history",
  },
  {
    name: "drover-sqlite-tuned",
    side: "drover",
    profile: "sqlite-tuned",
    database: "sqlite",
    library: droverLibrary,
    workers: 1,
    share: 1,
    settings: "1 process of 500 slots, lease 1 s",
    less: "",
    slowRecovery: null,
    keeps: false,
  },
  {
    name: "ceiling-postgres",
    side: "ceiling",
    profile: "100x2",
    database: "postgres",
    library: droverLibrary,
    workers: 1,
    share: 1,
    settings:
      "the statements of Drover's store without a runtime: 1 process, 2 connections, 100 jobs an exchange",
    less: "no handlers, events or leases",
    slowRecovery: null,
    keeps: false,
    isCeiling: true,
  },
  {
    name: "graphile-batched",
    side: "graphile",
    profile: "batched",
    database: "postgres",
    library: "graphile-worker",
    workers: 2,
    share: 1,
    settings:
      "its perfTest: 2 processes of 24, local queue 500, refetch delay 10 ms, batches of 0 ms",
    less: "deletes finished jobs; a late finisher is not fenced",
    slowRecovery: "4 h (a constant)",
    keeps: false,
  },
  {
    name: "graphile",
    side: "graphile",
    profile: "default",
    database: "postgres",
    library: "graphile-worker",
    workers: 2,
    share: 0.2,
    settings: "its perfTest without the batching, which is off by default: 2 processes of 24",
    less: "deletes finished jobs; a late finisher is not fenced",
    slowRecovery: "4 h (a constant)",
    keeps: false,
  },
  {
    name: "pg-boss",
    side: "pgBoss",
    profile: "",
    database: "postgres",
    library: "pg-boss",
    workers: 1,
    share: 1,
    settings: "1 process, 4 workers of batches of 500, burstWhenBatchFull, useListenNotify",
    less: "keeps the last state of a job, no history",
    slowRecovery: "15 min (expireInSeconds; 10 s at least with heartbeatSeconds)",
    keeps: true,
  },
  {
    name: "bullmq-redis",
    side: "bullmq",
    profile: "redis",
    database: "redis",
    library: "bullmq",
    workers: 1,
    share: 1,
    settings: "1 process of 30, finished jobs kept (default)",
    less: "not durable: Redis without persistence; keeps the last state of a job, no history",
    slowRecovery: null,
    keeps: true,
  },
  {
    name: "bullmq-postgres",
    side: "bullmq",
    profile: "postgres",
    database: "postgres",
    library: "bullmq",
    workers: 1,
    share: 0.1,
    settings: "1 process of 30, pool of 30, finished jobs kept (default)",
    less: "keeps the last state of a job, no history",
    slowRecovery: null,
    keeps: true,
  },
  {
    name: "river",
    side: "river",
    profile: "bench",
    database: "postgres",
    library: "github.com/riverqueue/river",
    workers: 1,
    share: 1,
    settings:
      "as river bench: FetchCooldown 2 ms, FetchPollInterval 20 ms, MaxWorkers 2000; pool of 10",
    less: "keeps the last state of a job, no history; a late finisher is not fenced; Go",
    slowRecovery: "1 h (RescueStuckJobsAfter)",
    keeps: true,
  },
  {
    name: "river-default",
    side: "river",
    profile: "default",
    database: "postgres",
    library: "github.com/riverqueue/river",
    workers: 1,
    share: 0.05,
    settings: "defaults (FetchCooldown 100 ms, FetchPollInterval 1 s), MaxWorkers 100; pool of 10",
    less: "keeps the last state of a job, no history; a late finisher is not fenced; Go",
    slowRecovery: "1 h (RescueStuckJobsAfter)",
    keeps: false,
  },
]

/** Whom the ratios are about. */
export const baselineName = "drover-postgres"
