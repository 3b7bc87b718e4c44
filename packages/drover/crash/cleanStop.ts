import { systemClock, systemRng, UuidMaker } from "../src/time/index.ts"
import { violationsOf } from "./checks/index.ts"
import { Ground } from "./ground.ts"
import { readHistory } from "./history.ts"
import { stepJob } from "./step.ts"
import { readWitnesses } from "./witness.ts"

export interface CleanStopReport {
  readonly jobs: number
  readonly runningAfterStop: number
  readonly interruptions: number
  readonly violations: readonly string[]
}

const JOBS = 10

/**
 * Stops a worker by SIGTERM in the middle of jobs that would take much longer than its grace: it exits with 0, nothing
 * is left running, and no job pays for it.
 */
export async function cleanStop(): Promise<CleanStopReport> {
  await using ground = await Ground.open({ slots: JOBS })
  const ids = new UuidMaker(systemClock, systemRng)
  const worker = ground.start("worker")
  await worker.ready
  await ground.store.enqueue(
    Array.from({ length: JOBS }, () =>
      stepJob(ids.next(), { ms: 600_000, laterMs: 5, failures: 0 }),
    ),
  )
  const started = (): number =>
    readWitnesses(ground.plan.folder).filter(({ event }) => event === "started").length
  await ground.until("started", 20_000, () => started() === JOBS)
  worker.signal("SIGTERM")
  const { code } = await worker.death
  const runningAfterStop = await ground.store.count({ states: ["running"] }, JOBS)
  const workersLeft = (await ground.store.workers()).length
  const { jobs } = await ground.store.list({}, { limit: JOBS, after: null })
  const interruptions = jobs.reduce((sum, job) => sum + job.interruptions, 0)
  const paid = jobs.reduce((sum, { failures, crashes }) => sum + failures + crashes, 0)
  const heir = ground.start("worker")
  await ground.until("finished", 20_000, async () => {
    return (await ground.store.count({ states: ["completed"] }, JOBS)) === JOBS
  })
  heir.signal("SIGTERM")
  await heir.death
  const history = await readHistory(ground, ground.store)
  return {
    jobs: JOBS,
    runningAfterStop,
    interruptions,
    violations: [
      ...violationsOf(history),
      ...(code === 0 ? [] : [`the stopped worker ended with code ${code}`]),
      ...(runningAfterStop === 0 ? [] : [`${runningAfterStop} jobs run after a clean stop`]),
      ...(workersLeft === 0 ? [] : [`the stopped worker left its row`]),
      ...(interruptions === JOBS ? [] : [`${interruptions} interruptions for ${JOBS} jobs`]),
      ...(paid === 0 ? [] : [`${paid} failures or crashes were charged for a clean stop`]),
    ],
  }
}
