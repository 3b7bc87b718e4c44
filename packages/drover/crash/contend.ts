import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock, systemRng, UuidMaker } from "../src/time/index.ts"
import { Ground } from "./ground.ts"
import { stepJob } from "./step.ts"
import { readWitnesses } from "./witness.ts"

export const contendKind = "crash.number"
export const contendQueue = "numbers"

/** What one process did. */
export interface Contender {
  readonly pid: number
  /** The numbers of the jobs it ran. */
  readonly ran: readonly number[]
  /** The longest time in which its event loop did not turn, for whatever reason. */
  readonly worstGapMs: number
  /** The most work that it did itself in one such gap; the rest is waiting for a processor or the disk. */
  readonly worstOwnMs: number
  /** How often it had to wait for another process's write, and the longest wait. */
  readonly busy: number
  readonly worstBusyMs: number
}

export interface ContendReport {
  readonly jobs: number
  readonly jobsPerSecond: number
  readonly contenders: readonly Contender[]
  readonly violations: readonly string[]
}

const CHUNK = 1_000

/** Lets several processes drain one file at once: no busy error surfaces, and no job runs twice. */
export async function contend(options: {
  readonly jobs: number
  readonly processes: number
  readonly limitMs: number
}): Promise<ContendReport> {
  const { jobs, processes, limitMs } = options
  await using ground = await Ground.open({ leaseMs: 30_000, slots: 100 })
  const { store } = ground
  await store.setQueue(contendQueue, { paused: true }, "crash")
  await fill(ground, jobs)
  const programs = Array.from({ length: processes }, () => ground.start("contender"))
  await Promise.all(programs.map(({ ready }) => ready))
  const startMono = systemClock.monotonic()
  await store.setQueue(contendQueue, { paused: false }, "crash")
  const open = { states: ["available", "running", "retryable"] as const }
  await ground.until("drained", limitMs, async () => (await store.count(open, 1)) === 0)
  const passedMs = systemClock.monotonic() - startMono
  for (const program of programs) program.signal("SIGTERM")
  const deaths = await Promise.all(programs.map(({ death }) => death))
  const contenders = readdirSync(ground.plan.folder)
    .filter((name) => name.startsWith("contender-"))
    .map((name) => JSON.parse(readFileSync(join(ground.plan.folder, name), "utf8")) as Contender)
  const once = await store.count({ states: ["completed"] }, jobs)
  return {
    jobs,
    jobsPerSecond: Math.round((jobs / passedMs) * 1_000),
    contenders,
    violations: [
      ...judge(contenders, jobs),
      ...deaths.flatMap(({ pid, code }) =>
        code === 0 ? [] : [`process ${pid} ended with ${code}`],
      ),
      ...(once === jobs ? [] : [`${once} of ${jobs} jobs are completed`]),
      ...readWitnesses(ground.plan.folder).flatMap((record) =>
        record.event === "trouble" ? [`process ${record.pid}: ${record.what}`] : [],
      ),
    ],
  }
}

async function fill({ store }: Ground, jobs: number): Promise<void> {
  const ids = new UuidMaker(systemClock, systemRng)
  for (let from = 0; from < jobs; from += CHUNK) {
    const chunk = Array.from({ length: Math.min(CHUNK, jobs - from) }, (_, index) => ({
      ...stepJob(ids.next(), { ms: 0, failures: 0 }),
      kind: contendKind,
      queue: contendQueue,
      input: String(from + index),
    }))
    await store.enqueue(chunk)
  }
}

function judge(contenders: readonly Contender[], jobs: number): string[] {
  const times = new Uint8Array(jobs)
  for (const { ran } of contenders) {
    for (const number of ran) times[number] = (times[number] ?? 0) + 1
  }
  const never = times.filter((count) => count === 0).length
  const twice = times.filter((count) => count > 1).length
  return [
    ...(never === 0 ? [] : [`${never} jobs were never run`]),
    ...(twice === 0 ? [] : [`${twice} jobs were run twice`]),
  ]
}
