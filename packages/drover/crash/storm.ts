import { violationsOf } from "./checks/index.ts"
import { recovery } from "./checks/recovery.ts"
import { Ground } from "./ground.ts"
import { readHistory } from "./history.ts"
import type { History } from "./history.ts"
import { producerPoints, workerPoints } from "./plan.ts"
import { Weather } from "./weather.ts"

export interface StormOptions {
  /** How many processes die by SIGKILL before the storm ends. */
  readonly kills: number
  readonly seed: string
}

/** What a storm did and what was found afterwards. */
export interface StormReport {
  readonly seed: string
  readonly kills: number
  /** Kills by where they struck. */
  readonly points: ReadonlyMap<string, number>
  readonly pauses: number
  readonly acknowledged: number
  readonly jobs: number
  readonly attempts: number
  readonly crashes: number
  readonly fenced: number
  readonly takenBack: number
  readonly worstRecoveryMs: number
  readonly runningAfterStop: number
  readonly integrity: string
  readonly violations: readonly string[]
}

const QUIET_MS = 60_000
// A killed worker's jobs are taken back within the lease and this.
const RECOVERY_SLACK_MS = 5_000

/**
 * Keeps workers and a producer at work on one database while they kill themselves at every crash point, are
 * killed at random and paused beyond their lease; then lets calm workers finish, and judges the history.
 */
export async function storm({ kills, seed }: StormOptions): Promise<StormReport> {
  await using ground = await Ground.open({ seed })
  const weather = new Weather(ground, kills, seed)
  await weather.rage()
  const runningAfterStop = await calm(ground)
  const history = await readHistory(ground, ground.store)
  const limitMs = ground.plan.leaseMs + RECOVERY_SLACK_MS
  const recovered = recovery(history, limitMs)
  const integrity = ground.integrity()
  const rows = [...history.rows.values()]
  const points = pointsOf(history, weather.killed)
  return {
    seed,
    kills: weather.killed,
    points,
    pauses: weather.pauses,
    acknowledged: history.records.filter(({ event }) => event === "acked").length,
    jobs: rows.length,
    attempts: rows.reduce((sum, { attempt }) => sum + attempt, 0),
    crashes: rows.reduce((sum, { crashes }) => sum + crashes, 0),
    fenced: history.records.filter(
      (record) => record.event === "settled" && record.status === "fenced",
    ).length,
    takenBack: recovered.jobs,
    worstRecoveryMs: recovered.worstMs,
    runningAfterStop,
    integrity,
    violations: [
      ...violationsOf(history),
      ...recovered.violations,
      ...(runningAfterStop === 0 ? [] : [`${runningAfterStop} jobs run after a clean stop`]),
      ...(integrity === "ok" ? [] : [`integrity: ${integrity}`]),
    ],
  }
}

/** How many kills struck where. */
function pointsOf({ records }: History, killed: number): ReadonlyMap<string, number> {
  const points = new Map<string, number>(
    [...workerPoints, ...producerPoints].map((point) => [point, 0]),
  )
  let elsewhere = killed
  for (const record of records) {
    if (record.event !== "struck" || record.signal !== "SIGKILL") continue
    points.set(record.point, (points.get(record.point) ?? 0) + 1)
    elsewhere--
  }
  return points.set("at random", elsewhere)
}

/** Lets workers finish everything undisturbed, stops them cleanly, and counts what still runs. */
async function calm(ground: Ground): Promise<number> {
  const workers = [ground.start("worker"), ground.start("worker")]
  await Promise.all(workers.map(({ ready }) => ready))
  const open = { states: ["scheduled", "available", "running", "retryable"] as const }
  await ground.until("finished", QUIET_MS, async () => (await ground.store.count(open, 1)) === 0)
  for (const worker of workers) worker.signal("SIGTERM")
  const deaths = await Promise.all(workers.map(({ death }) => death))
  for (const { code, signal } of deaths) {
    if (code !== 0) throw new Error(`a clean stop ended with code ${code}, signal ${signal}`)
  }
  return ground.store.count({ states: ["running"] }, 1_000)
}
