import { defineJob } from "drover"
import { machineMs } from "./measure.ts"
import { defaultDrover } from "./world.ts"

/** The other process of the latency benchmark: says when each handler starts, by the machine's clock. */
const probe = defineJob("bench.probe", {
  run: () => {
    process.send!(machineMs())
  },
})

const drover = defaultDrover(process.argv[2]!, { jobs: [probe] })
await drover.work()
process.send!("ready")
process.once("message", () => void drover.close().then(() => process.disconnect?.()))
