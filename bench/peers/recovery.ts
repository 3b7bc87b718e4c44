import { machineMs } from "../measure.ts"
import type { Lab } from "./lab.ts"
import type { System } from "./systems.ts"
import { pause, startedBy, untilStarted } from "./throughput.ts"

const HELD = 10
const LOOK_MS = 10
const PATIENCE_MS = 90_000

/**
 * A worker's process holds jobs and is killed with SIGKILL; another one is up. @returns seconds from the kill until
 * all of its jobs were started again, or `null` when that took too long.
 */
export async function recoverySeconds(lab: Lab, system: System): Promise<number | null> {
  await using world = await lab.world(system)
  const enqueuer = await world.side()
  await enqueuer.call("prepare")
  const victim = await world.side()
  await victim.call("work", { hold: true })
  await enqueuer.call("bulk", { count: HELD })
  await untilStarted([victim], HELD)
  const heir = await world.side()
  await heir.call("work")
  const killed = machineMs()
  await victim.kill()
  while ((await startedBy([heir])) < HELD) {
    if (machineMs() - killed > PATIENCE_MS) return null
    await pause(LOOK_MS)
  }
  return (machineMs() - killed) / 1000
}
