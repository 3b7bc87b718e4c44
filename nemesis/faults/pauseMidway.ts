import { randomBelow } from "../../packages/drover/src/time/index.ts"
import { PostgresGround } from "../ground/postgresGround.ts"
import { leases } from "./fault.ts"
import type { Fault } from "./fault.ts"
import { leaderOf } from "./leaderFaults.ts"

// A transaction of the leader's begins about every second.
const PATIENCE_MS = 2_000
const MOST_STATEMENTS = 3

/**
 * SIGSTOP in the middle of a transaction: the server waits for its next statement, with all that it has locked. Mostly
 * it is the leader's, whose term ends meanwhile.
 */
export const pauseMidway: Fault = {
  name: "pauseMidway",
  stores: ["postgres"],
  weight: 3,
  async strike(scene) {
    const { ground, fleet, rng } = scene
    if (!(ground instanceof PostgresGround)) return
    const member = rng.next() < 0.7 ? await leaderOf(scene) : fleet.one()
    const way = ground.proxy(member?.name ?? "")
    if (member === undefined || way === undefined) return
    const isHeld = await new Promise<boolean>((resolve) => {
      way.set({
        kind: "holdOpen",
        skip: randomBelow(rng, MOST_STATEMENTS),
        held: () => resolve(true),
      })
      void Promise.race([scene.wait(PATIENCE_MS), member.program.death]).then(() => resolve(false))
    })
    try {
      if (!isHeld) return
      await scene.during("pauseMidway", [member.pid], () =>
        fleet.pause(member, async () => {
          await scene.wait(leases(scene, 1.2, 3))
          // There when it wakes up, before it can notice how late it is.
          way.set({ kind: "pass" })
        }),
      )
    } finally {
      way.set({ kind: "pass" })
    }
  },
}
