import { systemClock, systemRng, UuidMaker } from "../src/time/index.ts"
import { violationsOf } from "./checks/index.ts"
import { Ground } from "./ground.ts"
import { readHistory } from "./history.ts"
import { stepJob } from "./step.ts"
import { readWitnesses } from "./witness.ts"

export interface TakeoverReport {
  readonly deadProof: boolean
  readonly leaseMs: number
  readonly jobs: number
  /** From the kill to the start of the last job's next attempt. */
  readonly worstRestartMs: number
  readonly violations: readonly string[]
}

const JOBS = 10
const SLACK_MS = 5_000

/**
 * Kills a worker in the middle of its handlers while another one is idle: all of its jobs must run again within the
 * lease and five seconds, whether or not the machine can prove that the worker is dead.
 */
export async function takeover(deadProof: boolean): Promise<TakeoverReport> {
  await using ground = await Ground.open({ deadProof, slots: JOBS })
  const { folder, leaseMs } = ground.plan
  const ids = new UuidMaker(systemClock, systemRng)
  const jobs = Array.from({ length: JOBS }, () =>
    stepJob(ids.next(), { ms: 600_000, laterMs: 5, failures: 0 }),
  )
  const victim = ground.start("worker")
  await victim.ready
  await ground.store.enqueue(jobs)
  const starts = (attempt: number): number[] =>
    readWitnesses(folder).flatMap((record) =>
      record.event === "started" && record.attempt === attempt ? [record.mono] : [],
    )
  await ground.until("started", 20_000, () => starts(1).length === JOBS)
  const heir = ground.start("worker")
  await heir.ready
  victim.signal("SIGKILL")
  const death = await victim.death
  const completed = { states: ["completed"] as const }
  await ground.until("run again", leaseMs + 30_000, async () => {
    return (await ground.store.count(completed, JOBS)) === JOBS
  })
  heir.signal("SIGTERM")
  await heir.death
  const history = await readHistory(ground, ground.store)
  const worstRestartMs = Math.max(...starts(2)) - death.mono
  const late = worstRestartMs > leaseMs + SLACK_MS
  return {
    deadProof,
    leaseMs,
    jobs: JOBS,
    worstRestartMs,
    violations: [
      ...violationsOf(history),
      ...(late ? [`a job started only ${worstRestartMs} ms after its worker was killed`] : []),
    ],
  }
}
