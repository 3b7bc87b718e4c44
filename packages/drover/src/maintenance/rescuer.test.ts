import { afterAll, describe, expect, test } from "vitest"
import { Fleet } from "./fixtures/fleet.ts"
import type { ClientParts, FleetClient } from "./fixtures/fleet.ts"
import { grounds } from "./fixtures/grounds.ts"
import { leavePostgres } from "./fixtures/postgresGround.ts"
import { victim } from "./fixtures/victim.ts"
import { rescuer } from "./rescuer.ts"

afterAll(leavePostgres)

// So far apart that what is found in time was not found by a sweep.
const SWEEP_MS = 60_000
const parts: ClientParts = { services: [rescuer], settings: { sweepMs: SWEEP_MS } }

/** The store's time at which the jobs of the dead were taken back. */
async function rescuedAt(
  fleet: Fleet,
  client: FleetClient,
  withinMs = SWEEP_MS / 2,
): Promise<number> {
  const isRescued = (): boolean => client.count("job.rescued") > 0
  await fleet.until("the job is taken back", isRescued, withinMs)
  return fleet.clock.now()
}

async function maintains(fleet: Fleet, client: FleetClient): Promise<void> {
  await fleet.until("it maintains", () => client.count("maintenance.started") > 0)
}

describe.each(grounds)("the rescuer on $name", (ground) => {
  test("takes the jobs of a dead worker back when its lease ends, not at the next sweep, and not before", async () => {
    await using fleet = await Fleet.open(ground, true)
    const { leaseUntil } = await victim(await fleet.client("victim"), 30_000)
    const leader = await fleet.started("leader", parts)
    const at = await rescuedAt(fleet, leader, 40_000)
    expect(at).toBeGreaterThanOrEqual(leaseUntil)
    expect(at).toBeLessThanOrEqual(leaseUntil + 500)
  })

  test("leaves a worker alone that beats, and looks a few times a second at most, however short its lease", async () => {
    await using fleet = await Fleet.open(ground, true)
    const { beat } = await victim(await fleet.client("victim"), 150)
    const leader = await fleet.started("leader", parts)
    await maintains(fleet, leader)
    for (let ms = 0; ms < 9_000; ms += 100) {
      await beat()
      await fleet.advance(100)
    }
    expect(leader.count("job.rescued")).toBe(0)
    expect(leader.calls("nextLeaseEndMs")).toBeGreaterThan(5)
    expect(leader.calls("nextLeaseEndMs")).toBeLessThanOrEqual(37)
  })

  test("looks when a term starts, although the leader before looked a moment ago", async () => {
    await using fleet = await Fleet.open(ground, true)
    const first = await fleet.started("first", parts)
    await maintains(fleet, first)
    await victim(await fleet.client("victim"), 5_000)
    first.cutOff()
    const second = await fleet.started("second", parts)
    await maintains(fleet, second)
    const at = await rescuedAt(fleet, second, 100)
    expect(at).toBeLessThanOrEqual((await fleet.leader())!.electedAt + 500)
  })

  test("looks when it has seen the store for a lease, and takes nobody's silence for death before", async () => {
    await using fleet = await Fleet.open(ground, true)
    await victim(await fleet.client("victim"), 5_000)
    await fleet.advance(6_000)
    const { clock } = fleet
    const seesFromMono = clock.monotonic() + 20_000
    const blindMs = (): number => Math.max(0, seesFromMono - clock.monotonic())
    const leader = await fleet.started("leader", { ...parts, blindMs })
    await fleet.until("it has rescued", () => leader.count("job.rescued") > 0)
    expect(clock.monotonic()).toBeGreaterThanOrEqual(seesFromMono)
    expect(clock.monotonic()).toBeLessThanOrEqual(seesFromMono + 500)
  })

  test("learns of a worker that registers after its look within a sweep", async () => {
    await using fleet = await Fleet.open(ground, true)
    const leader = await fleet.started("leader", { ...parts, settings: { sweepMs: 4_000 } })
    await maintains(fleet, leader)
    await fleet.advance(1_000)
    const { leaseUntil } = await victim(await fleet.client("victim"), 10_000)
    const at = await rescuedAt(fleet, leader)
    expect(at).toBeGreaterThanOrEqual(leaseUntil)
    expect(at).toBeLessThanOrEqual(leaseUntil + 500)
  })
})
