import type {
  DueSchedules,
  EnqueueOutcome,
  Fenced,
  NewJob,
  ScheduleTick,
  ScheduleTickReply,
  ScheduleTicks,
  ScheduleTrigger,
  TickOutcome,
} from "../store/index.ts"
import { assert } from "../errors/index.ts"
import { finalStates, keptTicks } from "../store/index.ts"
import type { Connection } from "./connection.ts"
import type { StoreContext } from "./context.ts"
import { enqueueEach } from "./enqueue.ts"
import { addTicks, lockSchedules, ticksText, toRow } from "./schedules.ts"
import type { StoredSchedule } from "./schedules.ts"
import { fenced } from "./terms.ts"

/** What is due now. See `ScheduleStore.dueSchedules`. */
export function dueSchedules({ database }: StoreContext, limit: number): Promise<DueSchedules> {
  return database.read("dueSchedules", async (db) => {
    const [clock] = await db.query("store_time")
    const now = clock?.[0] as number
    const due = await db.query("due_schedules", [now, limit])
    const [next] = await db.query("next_schedule", [now])
    const holds = (await db.query("any_held")).length > 0
    const released = holds ? await db.query("held_schedules", [limit]) : []
    return {
      now,
      due: due.map((row) => toRow(row)),
      released: released.map((row) => toRow(row)),
      holds,
      nextInMs: next === undefined ? null : (next[0] as number) - now,
    }
  })
}

/** Writes ticks: what is there is asked once for all of them, and what becomes of them is written once. See `ScheduleStore.tickSchedules`. */
export async function tickSchedules(
  context: StoreContext,
  { term, ticks }: ScheduleTicks,
): Promise<Fenced<readonly ScheduleTickReply[]>> {
  const jobs = ticks.flatMap(jobsOf)
  await context.lanes.makeAll(jobs.map(({ queue, kind }) => [queue, kind] as const))
  return fenced<readonly ScheduleTickReply[]>(context, "tickSchedules", term, {
    look: () => Promise.resolve(ticks.length === 0 ? [] : "write"),
    write: async (db) => {
      const facts = await readFacts(db, ticks)
      const enqueued = new TickJobs(db)
      const decisions: Decision[] = []
      for (const one of ticks) decisions.push(await decide(one, facts, enqueued))
      await enqueued.flush()
      await writeDecisions(db, decisions, enqueued)
      return decisions.map(({ tick: { name }, status, outcomes }) => ({ name, status, outcomes }))
    },
  })
}

/** Enqueues a job that was not planned. See `ScheduleStore.triggerSchedule`. */
export async function triggerSchedule(
  { database, lanes }: StoreContext,
  { name, job, actor }: ScheduleTrigger,
): Promise<EnqueueOutcome | "not_found"> {
  await lanes.makeAll([[job.queue, job.kind] as const])
  const write = async (db: Connection): Promise<EnqueueOutcome | "not_found"> => {
    const [row] = await lockSchedules(db, [name])
    if (row === undefined) return "not_found"
    const outcome = (await enqueueEach(db, [job]))[0] as EnqueueOutcome
    if (outcome.status === "repeated") return outcome
    const at = row.now
    const tick = { at, throughAt: at, count: 1, jobId: outcome.id, reason: null, actor }
    await addTicks(db, row, [tick])
    return outcome
  }
  return database.write("triggerSchedule", write, { repeatable: true })
}

/** What decisions hang on, as of this transaction: the rows are locked. */
interface Facts {
  readonly rows: ReadonlyMap<string, StoredSchedule & { readonly now: number }>
  /** Planned instants that are there, as `schedule:at`, with their jobs. */
  readonly planned: ReadonlyMap<string, string | null>
  readonly unfinished: ReadonlySet<string>
}

/** What becomes of the ticks of one schedule. */
interface Decision {
  readonly tick: ScheduleTick
  readonly row: StoredSchedule | null
  readonly status: ScheduleTickReply["status"]
  readonly outcomes: TickOutcome[]
  readonly heldAt: number | null
  readonly lastAt: number | null
  readonly lastJobId: string | null
  /** The job of each outcome that has one. */
  readonly jobs: readonly { readonly outcome: number; readonly job: NewJob }[]
}

async function readFacts(db: Connection, ticks: readonly ScheduleTick[]): Promise<Facts> {
  const locked = await lockSchedules(
    db,
    ticks.map(({ name }) => name),
  )
  const rows = new Map(locked.map((row) => [row.name, row]))
  const schedules: number[] = []
  const instants: number[] = []
  for (const { name, records, release } of ticks) {
    const row = rows.get(name)
    if (row === undefined) continue
    for (const { at } of release === null ? records : [release, ...records]) {
      schedules.push(row.id)
      instants.push(at)
    }
  }
  const there = await db.query("planned_ticks", [schedules, instants])
  const former = locked.flatMap(({ lastJobId }) => (lastJobId === null ? [] : [lastJobId]))
  const unfinished =
    former.length === 0 || ticks.every(({ overlap }) => overlap === "allow")
      ? []
      : await db.query("unfinished_jobs", [former])
  return {
    rows,
    planned: new Map(
      there.map(([id, at, job]) => [`${String(id)}:${String(at)}`, job as string | null]),
    ),
    unfinished: new Set(unfinished.map(([id]) => id as string)),
  }
}

/** The jobs of ticks, in order: written together, or sooner where what follows hangs on what became of one. */
class TickJobs {
  readonly #db: Connection
  readonly #outcomes: Map<string, EnqueueOutcome> = new Map()
  #pending: NewJob[] = []

  constructor(db: Connection) {
    this.#db = db
  }

  add(job: NewJob): void {
    this.#pending.push(job)
  }

  async flush(): Promise<void> {
    const jobs = this.#pending
    if (jobs.length === 0) return
    this.#pending = []
    const outcomes = await enqueueEach(this.#db, jobs)
    for (const [index, { id }] of jobs.entries()) {
      this.#outcomes.set(id, outcomes[index] as EnqueueOutcome)
    }
  }

  /** What became of a job that was written: under a unique key it may be one that was there. */
  outcomeOf({ id }: NewJob): EnqueueOutcome {
    const outcome = this.#outcomes.get(id)
    assert(outcome !== undefined, "a job's outcome is asked for once it is written")
    return outcome
  }
}

async function decide(
  tick: ScheduleTick,
  { rows, planned, unfinished }: Facts,
  enqueued: TickJobs,
): Promise<Decision> {
  const { name, version, records, overlap, release } = tick
  const row = rows.get(name)
  const base = { tick, outcomes: [], heldAt: null, lastAt: null, lastJobId: null, jobs: [] }
  if (row === undefined) return { ...base, row: null, status: "stale" }
  if (row.version !== version) {
    const isThere = wasWritten(tick, row, planned)
    return { ...base, row: null, status: isThere ? "repeated" : "stale" }
  }
  if (records.length > 0 && (row.fireAt === null || row.fireAt > row.now)) {
    return { ...base, row: null, status: "stale" }
  }
  let { heldAt, lastAt, lastJobId } = row
  const outcomes: TickOutcome[] = []
  const jobs: { outcome: number; job: NewJob }[] = []
  let isBusy = lastJobId !== null && unfinished.has(lastJobId)
  const runs = async (at: number, job: NewJob, isLast: boolean): Promise<void> => {
    enqueued.add(job)
    jobs.push({ outcome: outcomes.length, job })
    outcomes.push({ at, throughAt: at, count: 1, job: null, reason: null })
    lastAt = at
    lastJobId = job.id
    isBusy = true
    if (isLast || overlap === "allow" || job.unique === null) return
    // Under its key it may be a job that has ended already: what comes next overlaps nothing then.
    await enqueued.flush()
    const { state } = enqueued.outcomeOf(job)
    isBusy = !finalStates.includes(state)
  }
  // Whoever saw the former job end may not have seen it come back: somebody may have retried it since.
  if (release !== null && heldAt === release.at && !isBusy) {
    heldAt = null
    await runs(release.at, release.job, records.length === 0)
  }
  for (const [index, { at, throughAt, count, job, reason }] of records.entries()) {
    const skip = (why: string | null): unknown =>
      outcomes.push({ at, throughAt, count, job: null, reason: why })
    if (job === null) skip(reason)
    else if (planned.has(`${row.id}:${at}`)) skip("known")
    else if (overlap === "allow" || !isBusy) await runs(at, job, index === records.length - 1)
    else if (overlap === "skip" || heldAt !== null) skip("overlap")
    else {
      heldAt = at
      skip("held")
    }
  }
  return { tick, row, status: "ticked", outcomes, heldAt, lastAt, lastJobId, jobs }
}

async function writeDecisions(
  db: Connection,
  decisions: readonly Decision[],
  enqueued: TickJobs,
): Promise<void> {
  const moves: object[] = []
  const lines: string[] = []
  const forgotten: { readonly id: number; readonly upTo: number }[] = []
  for (const decision of decisions) {
    const { tick, row, outcomes } = decision
    if (row === null) continue
    let { lastJobId } = decision
    for (const { outcome, job: planned } of decision.jobs) {
      const job = enqueued.outcomeOf(planned)
      // Under a unique key it may be a job that is there already.
      if (lastJobId === planned.id) lastJobId = job.id
      outcomes[outcome] = { ...(outcomes[outcome] as TickOutcome), job }
    }
    const release = tick.release?.at
    if (release !== undefined && decision.jobs[0]?.outcome === 0 && outcomes[0]?.at === release) {
      await db.query("release_tick", [outcomes[0].job?.id ?? null, row.id, release])
    }
    const added = outcomes
      .filter(({ at, reason }) => at !== release && reason !== "known")
      .map(({ job, ...rest }) => ({ ...rest, jobId: job?.id ?? null, actor: null }))
    if (added.length > 0) lines.push(ticksText(row, added).slice(1, -1))
    const ticks = row.ticks + added.length
    if (ticks > keptTicks) forgotten.push({ id: row.id, upTo: ticks - keptTicks })
    const { heldAt, lastAt } = decision
    moves.push({
      ...{ id: row.id, next_at: tick.nextAt, fire_at: tick.fireAt, held_at: heldAt },
      ...{ last_at: lastAt, last_job: lastJobId, failure: tick.failure, ticks },
    })
  }
  if (lines.length > 0) await db.query("add_ticks", [`[${lines.join(",")}]`])
  if (moves.length > 0) await db.query("move_schedules", [JSON.stringify(moves)])
  for (const { id, upTo } of forgotten) await db.query("forget_ticks", [id, upTo])
}

// Whether what this tick would write is what was written: then its reply was lost.
function wasWritten(
  { records, release }: ScheduleTick,
  row: StoredSchedule,
  planned: ReadonlyMap<string, string | null>,
): boolean {
  const wanted = release ?? records.find(({ job }) => job !== null) ?? records[0]
  if (wanted === undefined) return false
  const jobId = planned.get(`${row.id}:${wanted.at}`)
  if (jobId === undefined) return false
  return jobId === null ? release === null : jobId === wanted.job?.id
}

function jobsOf({ records, release }: ScheduleTick): readonly NewJob[] {
  const jobs = records.flatMap(({ job }) => (job === null ? [] : [job]))
  return release === null ? jobs : [release.job, ...jobs]
}
