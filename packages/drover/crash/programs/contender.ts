/** One of several processes that drain one database, each as fast as it can. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { defineJob } from "../../src/jobs/define/jobDefinition.ts"
import type { JobContext } from "../../src/jobs/define/jobContext.ts"
import { startWorker } from "../../src/jobs/work/worker.ts"
import { systemClock, systemRng } from "../../src/time/index.ts"
import { contendKind, contendQueue } from "../contend.ts"
import type { Contender } from "../contend.ts"
import { GapWatch } from "../gapWatch.ts"
import { beginProgram, ready } from "./process.ts"

const { plan, store, events } = await beginProgram()
const ran: number[] = []
let busy = 0
let worstBusyMs = 0
events.on("store.busy", ({ waitedMs }) => {
  busy++
  worstBusyMs = Math.max(worstBusyMs, waitedMs)
})

const number = defineJob(contendKind, {
  queue: contendQueue,
  run({ input }: JobContext<number>) {
    ran.push(input)
  },
})

const worker = await startWorker({
  store,
  clock: systemClock,
  rng: systemRng,
  events,
  definitions: [number],
  queues: { [contendQueue]: { slots: plan.slots } },
})
const gaps = new GapWatch(systemClock)

process.once("SIGTERM", () => {
  const { worstGapMs, worstOwnMs } = gaps
  const report: Contender = {
    pid: process.pid,
    ran,
    worstGapMs,
    worstOwnMs,
    busy,
    worstBusyMs,
  }
  void worker
    .stop()
    .then(() => store.close())
    .then(() => {
      writeFileSync(join(plan.folder, `contender-${process.pid}.json`), JSON.stringify(report))
      process.disconnect?.()
    })
})
gaps.start()
ready()
