import { checkOptions, DroverError, orDefault, show } from "../errors/index.ts"
import { Events, logLevels } from "../events/index.ts"
import type { Logger, LogLevel } from "../events/index.ts"
import { isJobDefinition } from "../jobs/define/jobDefinition.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { limitOptionNames, resolveLimits } from "../jobs/define/limitOptions.ts"
import type { LimitSettings, OwnLimit } from "../jobs/define/limitOptions.ts"
import { checkName } from "../jobs/define/names.ts"
import { checkSlots, defaultSlots, resolveWorkerOptions } from "../jobs/work/workerOptions.ts"
import type { WorkerOptions } from "../jobs/work/workerOptions.ts"
import { isScheduleDefinition } from "../schedules/index.ts"
import type { ScheduleDefinition } from "../schedules/index.ts"
import { defaultPayloadLimit } from "../store/index.ts"
import type { StoreSource } from "../store/index.ts"
import { resolveLead } from "./leadOptions.ts"
import type {
  LeadOptions,
  MaintenanceOptions,
  OnMaintenanceStart,
  ResolvedLead,
  RetentionOptions,
} from "./leadOptions.ts"
import { systemClock, systemRng } from "../time/index.ts"
import type { Clock, Rng } from "../time/index.ts"

/** What a queue is configured with on a client: slots of its workers, and limits over all processes. */
export interface QueueOptions extends LimitSettings {
  /** How many jobs of this queue a worker of this client runs at once; 0 runs none. @default 100 */
  readonly slots?: number
}

/** What a client is made of. */
export interface DroverOptions {
  /** The database: `sqlite("app.db")`. */
  readonly store: StoreSource
  /** The kinds that workers of this client run, and that `enqueueKind` and `edit` validate. @default none */
  readonly jobs?: readonly JobDefinition[]
  /** Queues that need other than the default slots. A queue that a job names need not be listed. */
  readonly queues?: Readonly<Record<string, QueueOptions>>
  /**
   * The schedules that this program declares, all of them: one that is left out is retired. A client without this
   * option leaves schedules alone.
   */
  readonly schedules?: readonly ScheduleDefinition[]
  /** Name of this program among those that declare schedules on one database. @default "default" */
  readonly deployment?: string
  /** How long finished jobs stay. */
  readonly retention?: RetentionOptions
  /** Whether this client may lead while it has a worker, and how; see the guide on leadership. @default true */
  readonly lead?: boolean | LeadOptions
  /** What the leader's services do, when this client leads. */
  readonly maintenance?: MaintenanceOptions
  /** Called in each term of this client before the leader's services start. It may fail: another client leads then. */
  readonly onMaintenanceStart?: OnMaintenanceStart
  /**
   * Number of this code's configuration, greater with each deployment that changes limits or schedules: then code of
   * an older one that starts again during a deployment brings neither back. Schedules without it are numbered by the
   * order in which their configurations first appear. @default 0
   */
  readonly generation?: number
  /** Largest input and result, in bytes of JSON. @default 1 MiB */
  readonly payloadLimit?: number
  /**
   * Apply pending migrations when the store is opened; `false` refuses to open instead.
   * @default true on SQLite, false on Postgres
   */
  readonly migrate?: boolean
  /** Who is named in trails for what this client asks of jobs: `"api:ann"`. @default "client" */
  readonly actor?: string
  /** Writes all events; pino, its like and `console` fit as they are. @default silent */
  readonly logger?: Logger
  /**
   * The least grave level that the logger is told: `debug` is several lines for every job, `info` some for every worker,
   * `warn` and `error` what somebody should look at. @default "debug": the logger decides
   */
  readonly logLevel?: LogLevel
  /** An emitter to share with other clients. @default one of its own */
  readonly events?: Events
  /** @default the system's */
  readonly clock?: Clock
  /** @default the system's */
  readonly rng?: Rng
}

/** The options of a client, checked and filled in. */
export interface ResolvedOptions {
  readonly source: StoreSource
  readonly definitions: ReadonlyMap<string, JobDefinition>
  readonly queues: ReadonlyMap<string, { readonly slots: number }>
  /** Of the queues that are configured, also those without limits. */
  readonly queueLimits: ReadonlyMap<string, readonly OwnLimit[]>
  readonly generation: number
  /** `null`: this client leaves schedules alone. */
  readonly schedules: readonly ScheduleDefinition[] | null
  readonly deployment: string
  /** What every worker of the client is told. */
  readonly worker: WorkerOptions
  readonly lead: ResolvedLead
  readonly payloadLimit: number
  readonly migrate: boolean | null
  readonly actor: string
  readonly logger: Logger | null
  readonly logLevel: LogLevel
  readonly events: Events
  readonly clock: Clock
  readonly rng: Rng
}

const OPTIONS: readonly (keyof DroverOptions)[] = [
  "store",
  "jobs",
  "queues",
  "schedules",
  "deployment",
  "retention",
  "lead",
  "maintenance",
  "onMaintenanceStart",
  "generation",
  "payloadLimit",
  "migrate",
  "actor",
  "logger",
  "logLevel",
  "events",
  "clock",
  "rng",
]
const database = 'write store: sqlite("app.db") or store: postgres("postgres://…")'
const kinds = "write jobs: [resize], a list of definitions of defineJob()"
const recurring = "write schedules: [schedule(…)]"
// What people write who come from another queue.
const ADVICE = {
  connection: database,
  connectionString: database,
  url: database,
  db: database,
  concurrency: "write queues: { default: { slots: 4 } }",
  slots: "write queues: { default: { slots: 4 } }",
  taskList: kinds,
  handlers: kinds,
  workers: kinds,
  crontab: recurring,
  cron: recurring,
  poll: "it belongs to a worker: drover.work({ poll })",
  pollInterval: "it belongs to a worker: drover.work({ poll })",
  stopGrace: "it belongs to a worker: drover.work({ stopGrace })",
}
const MAX_ACTOR = 200
// What a database row can be trusted to take on every store.
const MAX_PAYLOAD_BYTES = 268_435_456

/** Checks the options of a client and fills them in. @throws DroverError `DROVER_CONFIG`, `DROVER_DUPLICATE_KIND`. */
export function resolveOptions(options: DroverOptions): ResolvedOptions {
  checkOptions(options, OPTIONS, "new Drover()", ADVICE)
  if (typeof options.store?.connect !== "function") {
    throw new DroverError(
      "DROVER_CONFIG",
      'store: pass a database such as sqlite("app.db") of "drover/sqlite" or postgres("postgres://…") of "drover/postgres"',
    )
  }
  const definitions = collectDefinitions(options.jobs ?? [])
  const payloadLimit = checkLimit(orDefault(options.payloadLimit, defaultPayloadLimit))
  const worker: WorkerOptions = { payloadLimit }
  // Checked here, so that a client that cannot work is refused where it is made.
  resolveWorkerOptions(worker)
  return Object.freeze({
    source: options.store,
    definitions,
    queues: collectQueues(options.queues ?? {}, definitions),
    queueLimits: collectLimits(options.queues ?? {}),
    generation: checkGeneration(orDefault(options.generation, 0)),
    schedules: collectSchedules(options.schedules),
    deployment: checkDeployment(orDefault(options.deployment, "default")),
    worker,
    lead: resolveLead(options),
    payloadLimit,
    migrate: checkMigrate(options.migrate),
    actor: checkActor(orDefault(options.actor, "client")),
    logger: checkParts(options.logger, "logger", ["debug", "info", "warn", "error"]) ?? null,
    logLevel: checkLogLevel(orDefault(options.logLevel, "debug")),
    events: checkParts(options.events, "events", ["on", "onAny", "emit"]) ?? new Events(),
    clock: checkParts(options.clock, "clock", ["now", "monotonic", "setTimer"]) ?? systemClock,
    rng: checkParts(options.rng, "rng", ["next"]) ?? systemRng,
  })
}

/** Checks the name of an actor as it is stored in trails. @throws DroverError `DROVER_CONFIG`. */
export function checkActor(value: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters must not reach a terminal
  const unprintable = /[\u0000-\u001f\u007f-\u009f]/
  const fits = typeof value === "string" && value !== "" && value.length <= MAX_ACTOR
  if (fits && value.isWellFormed() && !unprintable.test(value)) return value
  throw new DroverError(
    "DROVER_CONFIG",
    `actor: must be a printable text of 1 to ${MAX_ACTOR} characters, not ${show(value)}`,
  )
}

function collectDefinitions(jobs: readonly JobDefinition[]): ReadonlyMap<string, JobDefinition> {
  if (!Array.isArray(jobs)) {
    throw new DroverError("DROVER_CONFIG", "jobs: must be a list of definitions: jobs: [resize]")
  }
  const definitions = new Map<string, JobDefinition>()
  for (const definition of jobs) {
    if (!isJobDefinition(definition)) {
      throw new DroverError("DROVER_CONFIG", "jobs: must be definitions made by defineJob()")
    }
    const { kind } = definition
    const known = definitions.get(kind)
    if (known !== undefined && known !== definition) {
      const text = `jobs: two definitions have the kind "${kind}"; a stored job could not tell which is meant`
      throw new DroverError("DROVER_DUPLICATE_KIND", text, { details: { kind } })
    }
    definitions.set(kind, definition)
  }
  return definitions
}

function collectSchedules(
  given: readonly ScheduleDefinition[] | undefined,
): readonly ScheduleDefinition[] | null {
  if (given === undefined) return null
  if (!Array.isArray(given) || !given.every(isScheduleDefinition)) {
    throw new DroverError("DROVER_CONFIG", "schedules: must be a list of definitions of schedule()")
  }
  const names = given.map(({ name }) => name)
  const doubled = names.find((name, index) => names.indexOf(name) !== index)
  if (doubled === undefined) return given
  throw new DroverError("DROVER_CONFIG", `schedules: two of them have the name "${doubled}"`)
}

function checkDeployment(value: unknown): string {
  if (typeof value === "string" && /^\w[\w./-]{0,89}$/.test(value)) return value
  throw new DroverError(
    "DROVER_CONFIG",
    'deployment: must be 1 to 90 letters, digits and "_ . / -", beginning with a letter or a digit',
  )
}

function collectQueues(
  given: Readonly<Record<string, QueueOptions>>,
  definitions: ReadonlyMap<string, JobDefinition>,
): ReadonlyMap<string, { readonly slots: number }> {
  const queues = new Map<string, { readonly slots: number }>()
  for (const [name, options] of Object.entries(given)) {
    checkName(name, "queue")
    if (typeof (options as unknown) === "number") {
      const given = show(options)
      const message = `queues.${name}: expected an object of options, got ${given}; write { slots: ${given} }`
      throw new DroverError("DROVER_CONFIG", message, { details: { queue: name } })
    }
    checkOptions(options, ["slots", ...limitOptionNames], `queues.${name}`)
    queues.set(name, { slots: checkSlots(orDefault(options.slots, defaultSlots), name) })
  }
  for (const { queue } of definitions.values()) {
    if (!queues.has(queue)) queues.set(queue, { slots: defaultSlots })
  }
  return queues
}

function collectLimits(
  given: Readonly<Record<string, QueueOptions>>,
): ReadonlyMap<string, readonly OwnLimit[]> {
  return new Map(
    Object.entries(given).map(([name, options]) => [name, resolveLimits(options, "queue", name)]),
  )
}

function checkGeneration(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new DroverError(
    "DROVER_CONFIG",
    `generation: must be a whole number of at least 0, not ${show(value)}`,
  )
}

function checkMigrate(value: unknown): boolean | null {
  if (value === undefined) return null
  if (typeof value === "boolean") return value
  throw new DroverError("DROVER_CONFIG", `migrate: must be true or false, not ${show(value)}`)
}

// A part that lacks a method would fail much later, somewhere else.
function checkLogLevel(value: LogLevel): LogLevel {
  if (logLevels.includes(value)) return value
  throw new DroverError(
    "DROVER_CONFIG",
    `logLevel: must be one of ${logLevels.join(", ")}, not ${show(value)}`,
  )
}

function checkParts<T>(part: T, name: string, methods: readonly string[]): T {
  if (part === undefined) return part
  const missing = methods.find(
    (method) => typeof (part as Record<string, unknown> | null)?.[method] !== "function",
  )
  if (missing === undefined) return part
  throw new DroverError("DROVER_CONFIG", `${name}: must be an object with a method ${missing}()`)
}

function checkLimit(value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= MAX_PAYLOAD_BYTES) return value
  throw new DroverError(
    "DROVER_CONFIG",
    `payloadLimit: must be a whole number of bytes from 1 to ${MAX_PAYLOAD_BYTES}, not ${show(value)}`,
  )
}
