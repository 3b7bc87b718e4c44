import { assert, checkOptions, DroverError, nearest } from "../errors/index.ts"
import type { Events } from "../events/index.ts"
import type { JobDefinition } from "../jobs/define/jobDefinition.ts"
import { checkCount } from "../jobs/define/names.ts"
import { announceJobs } from "../jobs/define/producer.ts"
import type { ScheduleChange, ScheduleRow, Store } from "../store/index.ts"
import { hashOf, planDeployment } from "./deployment.ts"
import type { Configuration } from "./deployment.ts"
import { planNew, planResume, planTexts } from "./planChange.ts"
import type { PlannedChange } from "./planChange.ts"
import type { Ids } from "./planTick.ts"
import { checkScheduleName, isScheduleDefinition, withQueueKeys } from "./schedule.ts"
import type { QueueLimits, ScheduleDefinition } from "./schedule.ts"
import { readEdit } from "./scheduleEdit.ts"
import type { ScheduleEdit } from "./scheduleEdit.ts"
import { readPatch, settingsOf, writeSettings } from "./scheduleSettings.ts"
import { viewChange, viewSchedule, viewTick } from "./scheduleView.ts"
import type { ScheduleChangeView, ScheduleView, TickView } from "./scheduleView.ts"
import { jobOfTick } from "./tickJob.ts"

/** What operations on schedules need. */
export interface SchedulesOptions {
  /** The open store; refuses where a `write` of that name could wait for itself. */
  store(write?: string): Promise<Store>
  readonly ids: Ids
  readonly events: Events
  /** Who is named in the list of changes. */
  readonly actor: string
  /** The definition of a kind; a stand-in that checks nothing for one that is not known. */
  definitionOf(kind: string): JobDefinition
  /** @default none */
  readonly queueLimits?: QueueLimits
  /** Jobs of this queue were enqueued. */
  hint(queue: string): void
}

// A write meets a tick or another person's change now and then, but not so often in a row.
const MOST_TRIES = 50
const PAGE = 500
const MOST_LINES = 1_000

/** How many lines of a history, and from where: those before the line with this number. */
export interface HistoryOptions {
  /** At most 1000. @default 50 */
  readonly limit?: number
  readonly before?: number | null
}

/**
 * What people and programs ask of schedules: `drover.schedules`. Each change names the version that it has read and is
 * made anew when another came first, so none undoes what it has not seen.
 *
 * All methods that name a schedule throw DroverError `DROVER_UNKNOWN_SCHEDULE` when there is none, and all of them
 * `DROVER_STORE_…` and `DROVER_CLOSED`.
 */
export class Schedules {
  readonly #options: SchedulesOptions

  constructor(options: SchedulesOptions) {
    this.#options = options
  }

  /** All schedules by name, each with its next ticks. @param options how many: 1 unless told otherwise, at most 1000. */
  async list(options: { readonly next?: number } = {}): Promise<readonly ScheduleView[]> {
    const nextCount = nextOf(options, 1)
    const store = await this.#options.store()
    const now = await store.now()
    const rows = await allRows(store)
    return rows.map((row) => viewSchedule(row, now, nextCount))
  }

  /** The schedule of this name with its next ticks, or `null`. @param options how many: 5 unless told otherwise, at most 1000. */
  async get(name: string, options: { readonly next?: number } = {}): Promise<ScheduleView | null> {
    const nextCount = nextOf(options, 5)
    const store = await this.#options.store()
    const row = await store.schedule(checkScheduleName(name))
    return row === null ? null : viewSchedule(row, await store.now(), nextCount)
  }

  /** What became of a schedule's ticks, newest first: its last 1000 are kept. */
  async ticks(name: string, options: HistoryOptions = {}): Promise<readonly TickView[]> {
    const page = pageOf(options, "ticks")
    const store = await this.#options.store()
    const rows = await store.scheduleTicks({ name, ...page })
    if (rows.length === 0 && page.before === null) await this.#read(store, name)
    return rows.map((row) => viewTick(row))
  }

  /** Who changed what, newest first: of one schedule, or with `null` of all. */
  async changes(
    name: string | null = null,
    options: HistoryOptions = {},
  ): Promise<readonly ScheduleChangeView[]> {
    const page = pageOf(options, "changes")
    const store = await this.#options.store()
    const rows = await store.scheduleChanges({ name, ...page })
    // What was done to one that is gone stays: only a name without any change may be a misspelt one.
    if (rows.length === 0 && page.before === null && name !== null) await this.#read(store, name)
    return rows.map((row) => viewChange(row))
  }

  /** No tick fires until it is resumed; those that are planned meanwhile are accounted for as "paused". */
  async pause(name: string): Promise<void> {
    await this.#change(name, "paused", (row) =>
      row.pausedAt === null ? { patch: { paused: true, fireAt: null }, passed: [] } : null,
    )
  }

  /** Goes on with the next tick after now, also after a failure. */
  async resume(name: string): Promise<void> {
    await this.#change(name, "resumed", (row, now) => {
      if (row.pausedAt === null && row.failure === null) return null
      const planned = planResume(row, now)
      const { fireAt } = planned.patch
      const rests = row.deletedAt !== null || row.retiredAt !== null
      const patch = { ...planned.patch, paused: false, fireAt: rests ? null : (fireAt ?? null) }
      return { ...planned, patch }
    })
  }

  /** Changes fields; a deploy does not undo them. */
  async edit(name: string, edit: ScheduleEdit): Promise<void> {
    const plan = (row: ScheduleRow, now: number): PlannedChange => {
      const before = settingsOf(row)
      const definition = this.#options.definitionOf(before.kind)
      const fields = readEdit(name, edit, before, definition, this.#queueLimits)
      const changed = writeSettings({ ...readPatch(row.changed, name), ...fields })
      return planTexts(row, { changed }, now)
    }
    await this.#change(name, "edited", plan, edit)
  }

  /** Gives all fields back to the code that declares them. */
  async reset(name: string): Promise<void> {
    await this.#change(name, "reset", (row, now) => {
      if (row.declared === null) {
        throw new DroverError(
          "DROVER_CONFIG",
          `schedule ${name}: no code declares it, so there is nothing to go back to`,
        )
      }
      return row.changed === "{}" ? null : planTexts(row, { changed: "{}" }, now)
    })
  }

  /** Makes a schedule that no code declares. @throws DroverError `DROVER_CONFIG` when the name is taken. */
  async create(definition: ScheduleDefinition): Promise<void> {
    if (!isScheduleDefinition(definition)) {
      throw new DroverError("DROVER_CONFIG", "schedules.create: takes a definition of schedule()")
    }
    const { name, declared } = withQueueKeys(definition, this.#queueLimits)
    const { ids, actor, events } = this.#options
    const store = await this.#options.store("schedules.create")
    const texts = { declared: null, changed: declared, deployment: null }
    const planned = planNew(name, texts, await store.now())
    const action = "created"
    const change = { id: ids.next(), name, version: null, actor, action, detail: null, ...planned }
    if ((await store.changeSchedule(change)) === "stale") {
      throw new DroverError("DROVER_CONFIG", `schedule ${name}: there is one with this name`)
    }
    events.emit("schedule.changed", { schedule: name, action, actor })
  }

  /** Removes a schedule; one that code declares stays as a mark, so that a deploy does not bring it back. */
  async remove(name: string): Promise<void> {
    const { ids, actor, events } = this.#options
    const store = await this.#options.store("schedules.remove")
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      const row = await this.#read(store, name)
      if (row.deletedAt !== null) return
      const action = "deleted"
      const { version } = row
      const change = { id: ids.next(), name, version, actor, action, detail: null }
      const isDeclared = row.declared !== null && row.retiredAt === null
      const reply = isDeclared
        ? await store.changeSchedule({
            ...change,
            patch: { deleted: true, fireAt: null },
            passed: [],
          })
        : await store.removeSchedule(change)
      if (reply === "stale") continue
      events.emit("schedule.changed", { schedule: name, action, actor })
      return
    }
    throw contested(name)
  }

  /** Brings back a declared schedule that an operator removed. */
  async restore(name: string): Promise<void> {
    await this.#change(name, "restored", (row, now) => {
      if (row.deletedAt === null) return null
      const planned = planResume(row, now)
      const rests = row.pausedAt !== null || row.retiredAt !== null
      const fireAt = rests ? null : (planned.patch.fireAt ?? null)
      return { ...planned, patch: { ...planned.patch, deleted: false, fireAt } }
    })
  }

  /** Enqueues a job of the schedule now, whatever its state; its ticks stay as they are planned. @returns the job's id. */
  async trigger(name: string): Promise<string> {
    const { ids, actor, events, hint } = this.#options
    const store = await this.#options.store("schedules.trigger")
    const row = await this.#read(store, name)
    const job = jobOfTick(name, settingsOf(row), { id: ids.next(), at: null, actor })
    const outcome = await store.triggerSchedule({ name, job, actor })
    if (outcome === "not_found") throw notFound(name, await allRows(store))
    announceJobs(events, [job], [outcome])
    hint(job.queue)
    return outcome.id
  }

  /**
   * Applies the schedules that a program declares. An older configuration than the one that is there changes nothing.
   * @throws DroverError `DROVER_CONFIG` when another configuration has the same number.
   */
  async deploy(
    given: Configuration,
    options: { readonly number: number | null; readonly force: boolean },
  ): Promise<"applied" | "superseded"> {
    const { ids, actor, events } = this.#options
    const definitions = given.definitions.map((one) => withQueueKeys(one, this.#queueLimits))
    const { deployment } = given
    const configuration = { deployment, definitions }
    const store = await this.#options.store("schedules.deploy")
    const hash = hashOf(configuration)
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      const parts = { now: await store.now(), ids, actor: `deploy:${deployment}` }
      const changes = planDeployment(configuration, await allRows(store), parts)
      const reply = await store.deploySchedules({ deployment, hash, ...options, changes })
      if (reply.status === "stale") continue
      if (reply.status === "superseded") {
        const { generation, current } = reply
        events.emit("schedule.superseded", { deployment, generation, current })
        return "superseded"
      }
      if (reply.status === "conflict") throw sameNumber(deployment, reply.current)
      for (const { name, action } of changes) {
        events.emit("schedule.changed", { schedule: name, action, actor })
      }
      return "applied"
    }
    throw contested(deployment)
  }

  get #queueLimits(): QueueLimits {
    return this.#options.queueLimits ?? new Map()
  }

  async #change(
    name: string,
    action: string,
    plan: (row: ScheduleRow, now: number) => PlannedChange | null,
    detail: object | null = null,
  ): Promise<void> {
    const { ids, actor, events } = this.#options
    const store = await this.#options.store(`schedule ${action}`)
    for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
      const row = await this.#read(store, name)
      const planned = plan(row, await store.now())
      if (planned === null) return
      const text = detail === null ? null : JSON.stringify(detail)
      const { version } = row
      const change: ScheduleChange = {
        ...{ id: ids.next(), name, version, actor, action, detail: text },
        ...planned,
      }
      if ((await store.changeSchedule(change)) === "stale") continue
      events.emit("schedule.changed", { schedule: name, action, actor })
      return
    }
    throw contested(name)
  }

  async #read(store: Store, name: string): Promise<ScheduleRow> {
    const row = await store.schedule(name)
    if (row === null) throw notFound(name, await allRows(store))
    return row
  }
}

/** Every schedule, also those that are retired or deleted. */
async function allRows(store: Store): Promise<readonly ScheduleRow[]> {
  const rows: ScheduleRow[] = []
  for (let after: string | null = null; ;) {
    const page = await store.schedules({ after, limit: PAGE })
    rows.push(...page)
    const last: ScheduleRow | undefined = page.at(-1)
    if (last === undefined || page.length < PAGE) return rows
    assert(after === null || last.name !== after, "pages go on")
    after = last.name
  }
}

function nextOf(options: { readonly next?: number }, otherwise: number): number {
  checkOptions(options, ["next"], "schedules")
  const { next = otherwise } = options
  if (Number.isInteger(next) && next >= 0 && next <= MOST_LINES) return next
  throw new DroverError("DROVER_CONFIG", `next: must be a whole number from 0 to ${MOST_LINES}`)
}

function pageOf(
  options: HistoryOptions,
  where: string,
): { readonly limit: number; readonly before: number | null } {
  checkOptions(options, ["limit", "before"], where)
  const limit = Math.min(checkCount(options.limit ?? 50, `${where}.limit`), MOST_LINES)
  return { limit, before: options.before ?? null }
}

function notFound(name: string, rows: readonly ScheduleRow[]): DroverError {
  const suggestion = nearest(
    name,
    rows.map((row) => row.name),
  )
  const hint = suggestion === undefined ? "" : `; did you mean "${suggestion}"?`
  return new DroverError("DROVER_UNKNOWN_SCHEDULE", `there is no schedule "${name}"${hint}`, {
    details: { schedule: name },
  })
}

function sameNumber(deployment: string, number: number): DroverError {
  return new DroverError(
    "DROVER_CONFIG",
    `deployment "${deployment}": other schedules were deployed under number ${number}; give these a greater one`,
    { details: { deployment, number } },
  )
}

function contested(name: string): DroverError {
  return new DroverError(
    "DROVER_STORE_BUSY",
    `schedule ${name}: it changed faster than it could be written; try again`,
    { details: { schedule: name } },
  )
}
