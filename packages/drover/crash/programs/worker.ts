/** A process with a real worker, started, paused and killed by the driver. */
import { ClientLeadership } from "../../src/client/clientLeadership.ts"
import { resolveLead } from "../../src/client/leadOptions.ts"
import { isDroverError } from "../../src/errors/index.ts"
import { defineJob } from "../../src/jobs/define/jobDefinition.ts"
import type { JobContext } from "../../src/jobs/define/jobContext.ts"
import { Worker } from "../../src/jobs/work/worker.ts"
import { systemClock, systemRng } from "../../src/time/index.ts"
import { stepKind, stepQueue } from "../step.ts"
import type { StepInput, StepResult } from "../step.ts"
import { beginProgram, ready } from "./process.ts"

const { plan, witness, fuse, store, events } = await beginProgram()

const step = defineJob(stepKind, {
  queue: stepQueue,
  async run(context: JobContext<StepInput>): Promise<StepResult> {
    const { input, attempt, signal, job } = context
    witness.write({ event: "started", job: job.id, attempt })
    const ms = attempt === 1 ? input.ms : (input.laterMs ?? input.ms)
    try {
      await systemClock.sleep(ms / 2, { signal })
      fuse.pass("mid-handler")
      if (input.poison === true) process.kill(process.pid, "SIGKILL")
      await systemClock.sleep(ms / 2, { signal })
    } catch (error) {
      const code = isDroverError(error) ? error.code : String(error)
      witness.write({ event: "aborted", job: job.id, attempt, code })
      throw error
    }
    witness.write({ event: "ended", job: job.id, attempt })
    if (job.failures < input.failures) throw new Error(`planned failure ${job.failures + 1}`)
    return { attempt, pid: process.pid }
  },
})

const worker: Worker = new Worker({
  store,
  clock: systemClock,
  rng: systemRng,
  events,
  definitions: [step],
  queues: { [stepQueue]: { slots: plan.slots } },
  options: {
    lease: { ttl: plan.leaseMs },
    poll: 100,
    soloPatience: 200,
    stopGrace: 1_000,
  },
  onRunning: (running) => {
    if (running) leadership.began(worker, store)
    else leadership.ending(worker)
  },
})
const leadership = new ClientLeadership({
  ...{ clock: systemClock, rng: systemRng, events },
  lead: resolveLead({
    lead: { ttl: plan.leaseMs, bid: plan.sweepMs },
    maintenance: { sweep: plan.sweepMs },
    retention: { completed: false, discarded: false, cancelled: false, bytes: false },
  }),
})
await worker.start()

process.once("SIGTERM", () => {
  void worker
    .stop()
    .then(() => leadership.stopped())
    .then(() => store.close())
    .then(() => process.disconnect?.())
})
ready()
