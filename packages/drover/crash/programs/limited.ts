/** One of several processes over one database that run jobs under limits. */
import { Drover } from "../../src/client/index.ts"
import type { JobContext } from "../../src/jobs/define/jobContext.ts"
import { defineJob } from "../../src/jobs/define/jobDefinition.ts"
import { systemClock } from "../../src/time/index.ts"
import { fewKind, ratedKind, sourceOf, windowMs } from "../limits.ts"
import type { LimitsPlan } from "../limits.ts"
import type { StepInput } from "../step.ts"
import { Witness } from "../witness.ts"
import { ready } from "./process.ts"

const plan = JSON.parse(process.env["DROVER_CRASH_PLAN"] ?? "null") as LimitsPlan
const witness = new Witness(plan.folder)

const few = defineJob(fewKind, {
  queue: fewKind,
  concurrency: plan.limit,
  async run({ input, attempt, job }: JobContext<StepInput>) {
    witness.write({ event: "started", job: job.id, attempt })
    await systemClock.sleep(input.ms)
    witness.write({ event: "ended", job: job.id, attempt })
  },
})
const rated = defineJob(ratedKind, {
  queue: ratedKind,
  rate: { limit: plan.rate, per: windowMs },
  run: () => {},
})

const drover = new Drover({
  store: await sourceOf(plan.database),
  jobs: [few, rated],
  migrate: false,
  lead: { ttl: plan.leaseMs, bid: 500 },
  maintenance: { sweep: 300 },
  retention: { completed: false },
})
await drover.work({ lease: { ttl: plan.leaseMs }, poll: 500 })
ready()
