import { machineMs } from "../measure.ts"
import type { Lab } from "./lab.ts"
import type { System } from "./systems.ts"
import { pause, startedBy, untilStarted } from "./throughput.ts"

const HELD = 10
const LOOK_MS = 10
const PATIENCE_MS = 90_000

/**
 * A worker's process holds jobs and is killed with SIGKILL; another one is up.
 * @param leads whether the killed process also led the fleet, where somebody does; else another leads, which is up.
 * @returns seconds from the kill until all of its jobs were started again, or `null` when that took too long.
 */
export async function recoverySeconds(
  lab: Lab,
  system: System,
  leads: boolean,
): Promise<number | null> {
  await using world = await lab.world(system)
  const enqueuer = await world.side()
  await enqueuer.call("prepare")
  if (!leads) await enqueuer.call("stand")
  const victim = await world.side()
  await victim.call("work", { hold: true })
  await enqueuer.call("bulk", { count: HELD })
  await untilStarted([victim], HELD)
  const heir = await world.side()
  await heir.call("work")
  // A fleet that has been up for longer than anybody's lease.
  await pause(system.settleMs ?? 0)
  const killed = machineMs()
  await victim.kill()
  while ((await startedBy([heir])) < HELD) {
    if (machineMs() - killed > PATIENCE_MS) return null
    await pause(LOOK_MS)
  }
  return (machineMs() - killed) / 1000
}
