import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Events } from "../src/events/index.ts"
import { sqlite } from "../src/sqlite/index.ts"
import type { NewJob, Store, StoreSource, TrailEntry } from "../src/store/index.ts"
import { systemClock, systemRng, UuidMaker } from "../src/time/index.ts"
import { Program } from "./program.ts"
import { readStore } from "./history.ts"
import { stepJob } from "./step.ts"
import { readWitnesses } from "./witness.ts"

export const fewKind = "crash.few"
export const ratedKind = "crash.rated"
export const windowMs = 1_000

/** What the driver tells each program. */
export interface LimitsPlan {
  /** A path, or an address that begins with "postgres:". */
  readonly database: string
  readonly folder: string
  readonly limit: number
  readonly rate: number
  readonly leaseMs: number
}

/** The database at an address. */
export async function sourceOf(database: string): Promise<StoreSource> {
  if (!database.startsWith("postgres:")) return sqlite(database)
  const { postgres } = await import("../src/postgres/index.ts")
  return postgres({ url: database, max: 3 })
}

export interface LimitsReport {
  readonly processes: number
  readonly killed: number
  /** The most handlers that a witness outside of the database saw at once. */
  readonly mostWitnessed: number
  /** The most jobs that were running at once, as the trail tells. */
  readonly mostRunning: number
  /** The most starts in any window, as the trail tells. */
  readonly mostInWindow: number
  readonly jobsPerSecond: number
  readonly startsPerSecond: number
  readonly violations: readonly string[]
}

const LEASE_MS = 2_000
const CHUNK = 1_000

/**
 * Real processes drain a kind of which only so many may run at once and one of which only so many may start in any
 * second; in the middle, half of the processes are killed. No limit is ever passed, and places of the dead come back.
 */
export async function limits(options: {
  readonly store: "sqlite" | "postgres"
  readonly jobs: number
  readonly processes: number
  readonly limit: number
  readonly rate: number
  readonly limitMs: number
}): Promise<LimitsReport> {
  const folder = mkdtempSync(join(tmpdir(), "drover-limits-"))
  const server = options.store === "postgres" ? await startServer() : undefined
  try {
    const database = server?.url ?? join(folder, "app.db")
    return await run({ ...options, database, folder, leaseMs: LEASE_MS })
  } finally {
    await server?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  }
}

async function startServer(): Promise<AsyncDisposable & { readonly url: string }> {
  const { startPostgres } = await import("../src/postgres/fixtures/postgresServer.ts")
  return startPostgres()
}

type Run = LimitsPlan & {
  readonly jobs: number
  readonly processes: number
  readonly limitMs: number
}

async function run(plan: Run): Promise<LimitsReport> {
  const environment = { clock: systemClock, rng: systemRng, events: new Events() }
  const store = (await sourceOf(plan.database)).connect(environment)
  await store.open({ migrate: true })
  const rated = Math.ceil(plan.jobs / 10)
  await fill(store, fewKind, plan.jobs)
  await fill(store, ratedKind, rated)
  const programs = Array.from({ length: plan.processes }, () => startProgram(plan))
  const killedAt = new Map<number, number>()
  try {
    await Promise.all(programs.map(({ ready }) => ready))
    const startMono = systemClock.monotonic()
    const completed = (kind: string, most: number): Promise<number> =>
      store.count({ kinds: [kind], states: ["completed"] }, most)
    await until("half done", plan.limitMs, async () => {
      return (await completed(fewKind, plan.jobs)) > plan.jobs / 2
    })
    for (const program of programs.slice(0, plan.processes / 2)) {
      killedAt.set(program.pid, systemClock.monotonic())
      program.signal("SIGKILL")
    }
    await until("drained", plan.limitMs, async () => {
      return (await completed(fewKind, plan.jobs)) === plan.jobs
    })
    const seconds = (systemClock.monotonic() - startMono) / 1_000
    await until("the rated ones drained", plan.limitMs, async () => {
      return (await completed(ratedKind, rated)) === rated
    })
    const ratedSeconds = (systemClock.monotonic() - startMono) / 1_000
    return {
      ...(await judge(plan, store, killedAt)),
      jobsPerSecond: Math.round(plan.jobs / seconds),
      startsPerSecond: Math.round(rated / ratedSeconds),
    }
  } finally {
    for (const program of programs) program.signal("SIGKILL")
    await Promise.all(programs.map(({ death }) => death))
    await store.close()
  }
}

function startProgram({ database, folder, limit, rate, leaseMs }: Run): Program {
  const file = fileURLToPath(new URL("programs/limited.ts", import.meta.url))
  const plan: LimitsPlan = { database, folder, limit, rate, leaseMs }
  return new Program(file, { env: { DROVER_CRASH_PLAN: JSON.stringify(plan) } })
}

async function fill(store: Store, kind: string, count: number): Promise<void> {
  const ids = new UuidMaker(systemClock, systemRng)
  const jobs = Array.from({ length: count }, (_, index): NewJob => {
    const job = stepJob(ids.next(), { ms: 1 + (index % 4), failures: 0 })
    return { ...job, kind, queue: kind, retry: null }
  })
  for (let from = 0; from < count; from += CHUNK)
    await store.enqueue(jobs.slice(from, from + CHUNK))
}

async function until(what: string, limitMs: number, holds: () => Promise<boolean>): Promise<void> {
  const endMono = systemClock.monotonic() + limitMs
  while (!(await holds())) {
    if (systemClock.monotonic() > endMono) throw new Error(`after ${limitMs} ms: not yet ${what}`)
    await systemClock.sleep(100)
  }
}

async function judge(
  { folder, limit, rate, processes }: Run,
  store: Store,
  killedAt: ReadonlyMap<number, number>,
): Promise<Omit<LimitsReport, "jobsPerSecond" | "startsPerSecond">> {
  const { trails } = await readStore(store)
  const entries = [...trails.values()].flat().toSorted((a, b) => a.seq - b.seq)
  const mostWitnessed = witnessedAtOnce(folder, killedAt)
  const mostRunning = runningAtOnce(entries.filter(({ kind }) => kind === fewKind))
  const mostInWindow = startsInWindow(entries.filter(({ kind }) => kind === ratedKind))
  const rows = await store.limits(10)
  const left = rows.filter(({ running }) => running > 0)
  const violations = [
    ...(mostWitnessed <= limit
      ? []
      : [`${mostWitnessed} handlers ran at once, the limit is ${limit}`]),
    ...(mostRunning <= limit
      ? []
      : [`${mostRunning} jobs were running at once, the limit is ${limit}`]),
    ...(mostInWindow <= rate
      ? []
      : [`${mostInWindow} jobs started within a second, the limit is ${rate}`]),
    ...(mostRunning === limit ? [] : [`only ${mostRunning} jobs ever ran at once, ${limit} may`]),
    ...(mostInWindow >= rate / 2
      ? []
      : [`no second had more than ${mostInWindow} starts, ${rate} fit`]),
    ...left.map(({ name, running }) => `${running} jobs still count under ${name}`),
  ]
  return {
    ...{ processes, killed: killedAt.size, mostWitnessed, mostRunning, mostInWindow },
    violations,
  }
}

/** A process that was killed ran nothing after the signal was sent, as far as anybody can tell. */
function witnessedAtOnce(folder: string, killedAt: ReadonlyMap<number, number>): number {
  const records = readWitnesses(folder)
  const ended = new Set<string>()
  const changes: { readonly mono: number; readonly by: 1 | -1 }[] = []
  for (const record of records) {
    if (record.event !== "ended") continue
    ended.add(`${record.pid} ${record.job} ${record.attempt}`)
    changes.push({ mono: record.mono, by: -1 })
  }
  for (const record of records) {
    if (record.event !== "started") continue
    const end = killedAt.get(record.pid)
    const isOpen = !ended.has(`${record.pid} ${record.job} ${record.attempt}`)
    if (isOpen && end !== undefined && record.mono > end) continue
    changes.push({ mono: record.mono, by: 1 })
    if (isOpen && end !== undefined) changes.push({ mono: end, by: -1 })
  }
  return most(changes.toSorted((a, b) => a.mono - b.mono || a.by - b.by).map(({ by }) => by))
}

function runningAtOnce(entries: readonly TrailEntry[]): number {
  return most(
    entries.map(({ from, to }) => (to === "running" ? 1 : 0) - (from === "running" ? 1 : 0)),
  )
}

function most(changes: readonly number[]): number {
  let now = 0
  let highest = 0
  for (const by of changes) {
    now += by
    highest = Math.max(highest, now)
  }
  return highest
}

function startsInWindow(entries: readonly TrailEntry[]): number {
  const starts = entries
    .filter(({ to }) => to === "running")
    .map(({ at }) => at)
    .toSorted((a, b) => a - b)
  let highest = 0
  let from = 0
  for (const [index, at] of starts.entries()) {
    while (at - (starts[from] ?? at) >= windowMs) from += 1
    highest = Math.max(highest, index - from + 1)
  }
  return highest
}
