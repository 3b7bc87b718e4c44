import { leases } from "./fault.ts"
import type { Fault } from "./fault.ts"

const BOTH = ["sqlite", "postgres"] as const

/** SIGKILL; the supervisor starts another process. */
const kill: Fault = {
  name: "kill",
  stores: BOTH,
  weight: 5,
  async strike({ fleet, during }) {
    const member = fleet.one()
    if (member === undefined) return
    await during("kill", [member.pid], async () => {
      member.program.signal("SIGKILL")
      await member.program.death
    })
  },
}

/** SIGSTOP for a part of a lease or several, then SIGCONT: the zombie. */
const pause: Fault = {
  name: "pause",
  stores: BOTH,
  weight: 5,
  async strike(scene) {
    const member = scene.fleet.one()
    if (member === undefined) return
    await scene.during("pause", [member.pid], () =>
      scene.fleet.pause(member, () => scene.wait(leases(scene, 0.5, 3))),
    )
  },
}

/**
 * SIGSTOP that ends about when the leader takes over what a process ran: what was seen of the process is wrong a moment
 * later.
 */
const edge: Fault = {
  name: "edge",
  stores: BOTH,
  weight: 3,
  async strike(scene) {
    const member = scene.fleet.one(await scene.leader())
    if (member === undefined) return
    await scene.during("edge", [member.pid], () =>
      scene.fleet.pause(member, () => scene.wait(leases(scene, 0.7, 1.3))),
    )
  },
}

/** SIGTERM, as in a deploy. */
const terminate: Fault = {
  name: "terminate",
  stores: BOTH,
  weight: 3,
  async strike({ fleet, during }) {
    const member = fleet.one()
    if (member === undefined) return
    await during("terminate", [member.pid], async () => {
      member.program.signal("SIGTERM")
      await member.program.death
    })
  },
}

/** The event loop stands still. */
const block: Fault = {
  name: "block",
  stores: BOTH,
  weight: 3,
  async strike(scene) {
    const member = scene.fleet.one()
    if (member === undefined) return
    const ms = leases(scene, 0.3, 3)
    await scene.during("block", [member.pid], async () => {
      member.program.tell({ do: "block", ms })
      await Promise.race([scene.wait(ms), member.program.death])
    })
  },
}

/** The wall clock of one process is set, by up to two minutes either way, and later back. */
const skew: Fault = {
  name: "skew",
  stores: BOTH,
  weight: 2,
  async strike(scene) {
    const { ground, fleet, rng, wait, during } = scene
    const member = fleet.one()
    if (member === undefined) return
    const ms = (rng.next() < 0.5 ? -1 : 1) * Math.round(rng.next() * 120_000)
    // What others see of it is for the store's clock to keep from them. In a file that is made of the processes' own
    // clocks, so this process is excused; a server has one, and nobody is.
    const excused = ground.dialect === "sqlite" ? [member.pid] : []
    await during("skew", excused, async () => {
      member.program.tell({ do: "skew", ms })
      await Promise.race([wait(leases(scene, 1, 4)), member.program.death])
      member.program.tell({ do: "skew", ms: 0 })
    })
  },
}

/** Faults of processes, the same on every store. */
export const processFaults: readonly Fault[] = [kill, pause, edge, terminate, block, skew]
