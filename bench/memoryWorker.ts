import { defaultDrover } from "./world.ts"

/** A worker of its own process beside a long backlog: says how much memory it holds once it has settled down. */
const SETTLED_MS = 3000

const drover = defaultDrover(process.argv[2]!)
await drover.work()
setTimeout(() => {
  process.send!(process.memoryUsage.rss())
  void drover.close().then(() => process.disconnect?.())
}, SETTLED_MS)
