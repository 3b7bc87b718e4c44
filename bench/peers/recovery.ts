import { machineMs } from "../measure.ts"
import type { Lab } from "./lab.ts"
import type { SideProcess } from "./sideProcess.ts"
import type { System } from "./systems.ts"
import { pause, startedBy, untilStarted } from "./throughput.ts"

/** Who is killed, and who is left. */
export interface Kill {
  readonly name: string
  /** Whether the killed process also led the fleet, where somebody does; else another leads, which is up. */
  readonly leads: boolean
  /** Whether the one that is left has only just come up; else the whole fleet has been up for longer than a lease. */
  readonly isYoung: boolean
}

/** The worst of each kind. */
export const kills: readonly Kill[] = [
  { name: "a worker", leads: false, isYoung: false },
  { name: "a worker that led", leads: true, isYoung: false },
  { name: "a worker that led, with a young survivor", leads: true, isYoung: true },
]

const HELD = 10
const LOOK_MS = 10
const PATIENCE_MS = 90_000
// Renewals come every five seconds: a leader ends at any instant between two.
const BETWEEN_RENEWALS_MS = 5_000

/**
 * A worker's process holds jobs and is killed with SIGKILL; another one is up.
 * @returns seconds from the kill until all of its jobs were started again, or `null` when that took too long.
 */
export async function recoverySeconds(
  lab: Lab,
  system: System,
  { leads, isYoung }: Kill,
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
  if (!isYoung) await pause(system.settleMs ?? 0)
  const killed = machineMs()
  await victim.kill()
  // Awaited here, or the world would be gone.
  return await secondsUntil(killed, async () => (await startedBy([heir])) >= HELD)
}

/** A leader's process ends by a signal. @returns seconds until another process led, or `null` when that took too long. */
export async function successionSeconds(
  lab: Lab,
  system: System,
  signal: "SIGKILL" | "SIGTERM",
): Promise<number | null> {
  await using world = await lab.world(system)
  const leader = await world.side()
  await leader.call("prepare")
  await leader.call("stand")
  const first = await untilLed(leader)
  const heir = await world.side()
  await heir.call("stand")
  await pause(Math.random() * BETWEEN_RENEWALS_MS)
  const ended = machineMs()
  leader.signal(signal)
  // Awaited here, or the world would be gone.
  return await secondsUntil(
    ended,
    async () => ((await heir.call<number | null>("term")) ?? 0) > first,
  )
}

/** @returns the number of the term that is led. */
async function untilLed(side: SideProcess): Promise<number> {
  for (;;) {
    const term = await side.call<number | null>("term")
    if (term !== null) return term
    await pause(LOOK_MS)
  }
}

async function secondsUntil(
  startMs: number,
  holds: () => Promise<boolean>,
): Promise<number | null> {
  while (!(await holds())) {
    if (machineMs() - startMs > PATIENCE_MS) return null
    await pause(LOOK_MS)
  }
  return (machineMs() - startMs) / 1000
}
