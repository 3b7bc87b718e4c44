import { checkOptions, DroverError, orDefault } from "../../errors/index.ts"
import { checkLease, leaseDefaults } from "../../lease/index.ts"
import type { Lease } from "../../lease/index.ts"
import { defaultPayloadLimit } from "../../store/index.ts"
import { parseDuration } from "../../time/index.ts"
import type { Duration } from "../../time/index.ts"

/** What a worker may be told. Unknown options are errors. */
export interface WorkerOptions {
  /**
   * How long a stop waits for handlers in all. Shortly before it ends they are aborted with `Shutdown`, then
   * their jobs are handed back. Container platforms kill after 10 s (Docker) or 30 s (Kubernetes).
   * @default "10s"
   */
  readonly stopGrace?: Duration
  /** How long an aborted handler may take to end before it is reported as stuck. @default "10s" */
  readonly stuckAfter?: Duration
  /**
   * What to do about a stuck handler, which keeps its slot: report it (`job.stuck`), or also stop the worker, so
   * that whatever supervises the process starts a new one. @default "report"
   */
  readonly whenStuck?: "report" | "stop"
  /**
   * What to do about an error that a handler let loose outside of its promise (a floating rejection, a throw in a
   * timer). Its job fails in any case. `"stop"` also stops the worker gracefully and lets it fail, because nobody
   * knows what else the error left undone. @default "report"
   */
  readonly whenStray?: "report" | "stop"
  /** Pause between two looks for work when nothing hints at any. Hints make it fast, this makes it sure. @default "1s" */
  readonly poll?: Duration
  /**
   * Whether a worker whose handlers end sooner than it can claim takes on jobs before it has slots for them, as many as
   * it gets through in 10 ms. They count as running, and go back unrun when their slot does not come within 100 ms. How
   * many handlers run at once does not change. @default true
   */
  readonly claimAhead?: boolean
  /** How long a busy worker lets a job wait that must run alone, before it makes room. @default "10s" */
  readonly soloPatience?: Duration
  /** @default 30 s, beaten every 10 s, trusted for 25 s */
  readonly lease?: { readonly ttl?: Duration; readonly beat?: Duration; readonly margin?: Duration }
  /** The event loop may be blocked for this long before others may take the worker for dead. @default 5 leases */
  readonly stallLimit?: Duration
  /** Largest result in bytes of JSON. @default 1 MiB */
  readonly payloadLimit?: number
  /** Limits of the threads and processes of isolated kinds. */
  readonly isolation?: {
    /** Heap of each in MiB. @default Node's own */
    readonly maxHeapMb?: number
  }
}

/** The same, checked and filled in. */
export interface ResolvedWorkerOptions {
  readonly stopGraceMs: number
  readonly stuckAfterMs: number
  readonly whenStuck: "report" | "stop"
  readonly whenStray: "report" | "stop"
  readonly pollMs: number
  readonly claimAhead: boolean
  readonly soloPatienceMs: number
  readonly lease: Lease
  readonly stallLimitMs: number
  readonly payloadLimit: number
  readonly maxHeapMb: number | undefined
}

const DEFAULTS = {
  stopGrace: "10s",
  stuckAfter: "10s",
  poll: "1s",
  soloPatience: "10s",
} as const
const MIN_LEASE_MS = 100
/** Names of all options of a worker. */
export const workerOptionNames: readonly (keyof WorkerOptions)[] = [
  "stopGrace",
  "stuckAfter",
  "whenStuck",
  "whenStray",
  "poll",
  "claimAhead",
  "soloPatience",
  "lease",
  "stallLimit",
  "payloadLimit",
  "isolation",
]
const REACTIONS = ["report", "stop"]

/** Slots of a queue that is named without a number. */
export const defaultSlots = 100

/** Checks the options of a worker and fills in what they leave out. @throws DroverError `DROVER_CONFIG`. */
export function resolveWorkerOptions(options: WorkerOptions = {}): ResolvedWorkerOptions {
  checkOptions(options, workerOptionNames, "worker")
  const lease = resolveLease(options.lease)
  return Object.freeze({
    stopGraceMs: parseDuration(
      orDefault(options.stopGrace, DEFAULTS.stopGrace),
      "worker.stopGrace",
    ),
    stuckAfterMs: parseDuration(
      orDefault(options.stuckAfter, DEFAULTS.stuckAfter),
      "worker.stuckAfter",
    ),
    whenStuck: reaction(options.whenStuck, "whenStuck"),
    whenStray: reaction(options.whenStray, "whenStray"),
    pollMs: atLeast(
      10,
      parseDuration(orDefault(options.poll, DEFAULTS.poll), "worker.poll"),
      "poll",
    ),
    claimAhead: flag(options.claimAhead, "claimAhead"),
    soloPatienceMs: atLeast(
      1,
      parseDuration(orDefault(options.soloPatience, DEFAULTS.soloPatience), "worker.soloPatience"),
      "soloPatience",
    ),
    lease,
    stallLimitMs: atLeast(
      lease.beatMs,
      options.stallLimit === undefined
        ? 5 * lease.ttlMs
        : parseDuration(options.stallLimit, "worker.stallLimit"),
      "stallLimit",
    ),
    payloadLimit: atLeast(1, orDefault(options.payloadLimit, defaultPayloadLimit), "payloadLimit"),
    maxHeapMb: resolveIsolation(options.isolation),
  })
}

/** Checks a number of slots. @throws DroverError `DROVER_CONFIG`. */
export function checkSlots(slots: number, queue: string): number {
  if (Number.isSafeInteger(slots) && slots >= 0 && slots <= 100_000) return slots
  throw configError(`queues.${queue}.slots`, slots, "a whole number from 0 (pause) to 100000")
}

function resolveLease(lease: WorkerOptions["lease"] = {}): Lease {
  checkOptions(lease, ["ttl", "beat", "margin"], "worker.lease")
  const ttlMs =
    lease.ttl === undefined ? leaseDefaults.ttlMs : parseDuration(lease.ttl, "worker.lease.ttl")
  return checkLease({
    // Each beat is a write that is synced to disk.
    ttlMs: atLeast(MIN_LEASE_MS, ttlMs, "lease.ttl"),
    beatMs: lease.beat === undefined ? ttlMs / 3 : parseDuration(lease.beat, "worker.lease.beat"),
    marginMs:
      lease.margin === undefined ? ttlMs / 6 : parseDuration(lease.margin, "worker.lease.margin"),
  })
}

function resolveIsolation(isolation: WorkerOptions["isolation"] = {}): number | undefined {
  checkOptions(isolation, ["maxHeapMb"], "worker.isolation")
  return isolation.maxHeapMb === undefined
    ? undefined
    : atLeast(16, isolation.maxHeapMb, "isolation.maxHeapMb")
}

function flag(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? true
  throw configError(`worker.${name}`, value, "true or false")
}

function reaction(value: unknown, name: string): "report" | "stop" {
  if (value === undefined) return "report"
  if (typeof value === "string" && REACTIONS.includes(value)) return value as "report" | "stop"
  throw configError(`worker.${name}`, value, `"report" or "stop"`)
}

function atLeast(least: number, value: number, name: string): number {
  if (Number.isFinite(value) && value >= least) return value
  throw configError(`worker.${name}`, value, `a number of at least ${least}`)
}

function configError(where: string, value: unknown, expected: string): DroverError {
  return new DroverError(
    "DROVER_CONFIG",
    `${where}: ${JSON.stringify(value) ?? "undefined"} cannot work; it must be ${expected}`,
    {
      details: { where, value },
    },
  )
}
