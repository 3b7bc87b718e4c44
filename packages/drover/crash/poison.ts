import { systemClock, systemRng, UuidMaker } from "../src/time/index.ts"
import { violationsOf } from "./checks/index.ts"
import { Ground } from "./ground.ts"
import { readHistory } from "./history.ts"
import { stepJob } from "./step.ts"

export interface PoisonReport {
  /** Processes that the job killed. */
  readonly deaths: number
  readonly executions: number
  /** The most crashes that any job beside it was charged with. */
  readonly bystandersCrashes: number
  readonly violations: readonly string[]
}

const BYSTANDERS = 19
const MAX_CRASHES = 3

/**
 * A job that kills its process each time it runs, beside many that do no harm, under a supervisor that starts the worker
 * again. The first death takes all that ran along; from then on the job runs alone, kills nobody's run but its own,
 * and is discarded at its last crash, while everybody else finishes.
 */
export async function poison(): Promise<PoisonReport> {
  await using ground = await Ground.open({ slots: BYSTANDERS + 1 })
  const ids = new UuidMaker(systemClock, systemRng)
  const ordinary = (): ReturnType<typeof stepJob> =>
    stepJob(ids.next(), { ms: 400, laterMs: 20, failures: 0 })
  const poisoned = stepJob(ids.next(), { ms: 200, failures: 0, poison: true })
  await ground.store.enqueue([
    { ...poisoned, maxCrashes: MAX_CRASHES },
    ...Array.from({ length: BYSTANDERS }, ordinary),
  ])
  const isDone = async (): Promise<boolean> => {
    const open = { states: ["scheduled", "available", "running", "retryable"] as const }
    return (await ground.store.count(open, 1)) === 0
  }
  const latecomers = new Set<string>()
  let worker = ground.start("worker")
  await ground.until("finished", 60_000, async () => {
    if (ground.deaths.some(({ pid }) => pid === worker.pid)) {
      worker = ground.start("worker")
      // What comes in between must not suffer from the next crash.
      const latecomer = ordinary()
      latecomers.add(latecomer.id)
      await ground.store.enqueue([latecomer])
    }
    return isDone()
  })
  worker.signal("SIGTERM")
  await worker.death
  const history = await readHistory(ground, ground.store)
  const rows = [...history.rows.values()]
  const row = history.rows.get(poisoned.id)
  const deaths = ground.deaths.filter(({ signal }) => signal === "SIGKILL").length
  const others = rows.filter(({ id }) => id !== poisoned.id)
  const bystandersCrashes = Math.max(...others.map(({ crashes }) => crashes))
  const executions = row?.attempt ?? 0
  return {
    deaths,
    executions,
    bystandersCrashes,
    violations: [
      ...violationsOf(history),
      ...(row?.state === "discarded" ? [] : [`the poisoned job is ${row?.state}`]),
      ...(executions === MAX_CRASHES ? [] : [`it ran ${executions} times`]),
      ...(deaths === MAX_CRASHES ? [] : [`${deaths} processes died`]),
      ...(bystandersCrashes <= 1
        ? []
        : [`a bystander was charged with ${bystandersCrashes} crashes`]),
      ...others.flatMap(({ id, state, crashes }) => [
        ...(state === "completed" ? [] : [`bystander ${id} is ${state}`]),
        ...(crashes > 0 && latecomers.has(id) ? [`${id} came later and was taken along`] : []),
      ]),
    ],
  }
}
