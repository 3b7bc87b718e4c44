import type { Member } from "../fleet/fleet.ts"
import { leases } from "./fault.ts"
import type { Fault, Scene } from "./fault.ts"

const BOTH = ["sqlite", "postgres"] as const

const killLeader: Fault = {
  name: "killLeader",
  stores: BOTH,
  weight: 3,
  async strike(scene) {
    const leader = await leaderOf(scene)
    if (leader === undefined) return
    await scene.during("killLeader", [leader.pid], async () => {
      leader.program.signal("SIGKILL")
      await leader.program.death
    })
  },
}

const pauseLeader: Fault = {
  name: "pauseLeader",
  stores: BOTH,
  weight: 3,
  async strike(scene) {
    const leader = await leaderOf(scene)
    if (leader === undefined) return
    await scene.during("pauseLeader", [leader.pid], () =>
      scene.fleet.pause(leader, () => scene.wait(leases(scene, 0.5, 3))),
    )
  },
}

const terminateLeader: Fault = {
  name: "terminateLeader",
  stores: BOTH,
  weight: 2,
  async strike(scene) {
    const leader = await leaderOf(scene)
    if (leader === undefined) return
    await scene.during("terminateLeader", [leader.pid], async () => {
      leader.program.signal("SIGTERM")
      await leader.program.death
    })
  },
}

/** The same as befalls anybody, aimed at the leader. */
export const leaderFaults: readonly Fault[] = [killLeader, pauseLeader, terminateLeader]

/** The process that leads now, where it can be told and is at work. */
export async function leaderOf({ fleet, leader }: Scene): Promise<Member | undefined> {
  const pid = await leader()
  return fleet.ready().find((member) => member.pid === pid)
}
