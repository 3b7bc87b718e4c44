import { systemClock, systemRng, UuidMaker } from "../src/time/index.ts"
import { violationsOf } from "./checks/index.ts"
import { Ground } from "./ground.ts"
import { readHistory } from "./history.ts"
import type { History } from "./history.ts"
import { stepJob } from "./step.ts"
import { readWitnesses } from "./witness.ts"

export interface ZombieReport {
  readonly jobs: number
  /** Handlers of the paused worker that were told why they must stop. */
  readonly toldLeaseLost: number
  readonly fenced: number
  /** Jobs that the woken worker ran properly afterwards. */
  readonly ranLater: number
  readonly violations: readonly string[]
}

const JOBS = 6
const LATER = 4

/**
 * A worker pauses beyond its lease just before it settles a job, while others still run; another one takes all of
 * them over and finishes them. Then it wakes: its settlement is fenced, its handlers hear `LeaseLost`, and it goes
 * on as a good worker.
 */
export async function zombie(): Promise<ZombieReport> {
  await using ground = await Ground.open({ slots: JOBS })
  const { folder, leaseMs } = ground.plan
  const ids = new UuidMaker(systemClock, systemRng)
  const finished = async (count: number): Promise<boolean> =>
    (await ground.store.count({ states: ["completed"] }, count)) === count
  const paused = ground.start("worker", {}, "before-settle:1:SIGSTOP")
  await paused.ready
  await ground.store.enqueue([
    stepJob(ids.next(), { ms: 300, laterMs: 5, failures: 0 }),
    ...Array.from({ length: JOBS - 1 }, () =>
      stepJob(ids.next(), { ms: 600_000, laterMs: 5, failures: 0 }),
    ),
  ])
  const seen = (event: string): number =>
    readWitnesses(folder).filter((record) => record.event === event && record.pid === paused.pid)
      .length
  await ground.until("paused", 20_000, () => seen("struck") === 1)
  await ground.pause(paused, async () => {
    const heir = ground.start("worker")
    await ground.until("finished by the heir", leaseMs + 30_000, () => finished(JOBS))
    heir.signal("SIGTERM")
    await heir.death
  })
  await ground.until("given up by the zombie", 20_000, () => seen("aborted") === JOBS - 1)
  await ground.store.enqueue(
    Array.from({ length: LATER }, () => stepJob(ids.next(), { ms: 5, failures: 0 })),
  )
  await ground.until("run by the woken worker", 20_000, () => finished(JOBS + LATER))
  paused.signal("SIGTERM")
  await paused.death
  const history = await readHistory(ground, ground.store)
  return judge(history, paused.pid)
}

function judge(history: History, pid: number): ZombieReport {
  const own = history.records.filter((record) => record.pid === pid)
  const told = own.filter(
    (record) => record.event === "aborted" && record.code === "DROVER_LEASE_LOST",
  )
  const settled = own.filter((record) => record.event === "settled")
  const ranLater = settled.filter(({ status }) => status === "settled").length
  const fenced = settled.filter(({ status }) => status === "fenced").length
  const taken = [...history.rows.values()].filter(({ crashes }) => crashes === 1)
  return {
    jobs: JOBS,
    toldLeaseLost: told.length,
    fenced,
    ranLater,
    violations: [
      ...violationsOf(history),
      ...(taken.length === JOBS ? [] : [`only ${taken.length} of ${JOBS} jobs were taken over`]),
      ...(told.length === JOBS - 1
        ? []
        : [`${told.length} of ${JOBS - 1} handlers heard LeaseLost`]),
      ...(fenced === 1 ? [] : [`${fenced} late settlements were fenced, not 1`]),
      ...(ranLater === LATER ? [] : [`the woken worker settled ${ranLater} jobs, not ${LATER}`]),
    ],
  }
}
