import { afterAll, describe, expect, test } from "vitest"
import { DroverError, Timeout } from "../errors/index.ts"
import type { Fenced } from "../store/index.ts"
import { Fleet } from "./fixtures/fleet.ts"
import { grounds } from "./fixtures/grounds.ts"
import { leavePostgres } from "./fixtures/postgresGround.ts"
import type { MaintenanceService } from "./maintenanceService.ts"
import { turnLoop } from "./turnLoop.ts"
import type { BatchReply } from "./turnLoop.ts"

afterAll(leavePostgres)

const nothing: BatchReply = { rows: 0, more: false }

/** A service whose batches are written down. */
function counted(
  name: string,
  everyMs: number,
  work: (size: number) => Promise<Fenced<BatchReply>> | Fenced<BatchReply> = () => nothing,
): MaintenanceService & { readonly rounds: { readonly atMono: number; readonly size: number }[] } {
  const rounds: { readonly atMono: number; readonly size: number }[] = []
  return {
    name,
    rounds,
    make: (context) =>
      turnLoop(context, {
        ...{ name, everyMs, batch: { most: 100, least: 10 } },
        work: async (size) => {
          rounds.push({ atMono: context.clock.monotonic(), size })
          return work(size)
        },
      }),
  }
}

describe.each(grounds)("the periodic services of the leader on $name", (ground) => {
  test("keep their interval over a change of leaders: counted from the stamp of the last turn", async () => {
    await using fleet = await Fleet.open(ground, true)
    const first = counted("s", 60_000)
    const second = counted("s", 60_000)
    const old = await fleet.started("old", { services: [first] })
    await fleet.until("the first turn", () => first.rounds.length === 1)
    const turnMono = first.rounds[0]!.atMono
    await fleet.started("next", { services: [second] })
    await fleet.advance(20_000)
    await fleet.settled(old.elector.stop())
    await fleet.until("the second turn", () => second.rounds.length === 1, 90_000)
    const gapMs = second.rounds[0]!.atMono - turnMono
    // The stamp is in whole milliseconds.
    expect(gapMs).toBeGreaterThan(59_999)
    expect(gapMs).toBeLessThanOrEqual(60_500)
    expect(first.rounds).toHaveLength(1)
  })

  test("take a turn anew that failed, and do not wait for the next one", async () => {
    await using fleet = await Fleet.open(ground, true)
    let failures = 2
    const service = counted("s", 3_600_000, () => {
      if (failures-- > 0) throw new DroverError("DROVER_STORE_IO", "gone")
      return nothing
    })
    await fleet.started("a", { services: [service] })
    await fleet.until("it succeeds", () => service.rounds.length === 3, 5_000)
    await fleet.advance(600_000)
    expect(service.rounds).toHaveLength(3)
  })

  test("that keep timing out halve their batch, recover, and hold up none of the others", async () => {
    await using fleet = await Fleet.open(ground, true)
    let isSlow = true
    const slow = counted("slow", 1_000, () => {
      if (isSlow) throw new Timeout("too slow")
      return nothing
    })
    const quick = counted("quick", 1_000)
    await fleet.started("a", { services: [slow, quick] })
    await fleet.advance(20_000)
    expect(slow.rounds.slice(0, 5).map(({ size }) => size)).toEqual([100, 50, 25, 12, 10])
    expect(quick.rounds.length).toBeGreaterThanOrEqual(18)
    isSlow = false
    await fleet.advance(40_000)
    expect(slow.rounds.at(-1)!.size).toBe(100)
  })

  test("that hang in the store hold up neither the others nor a stop", async () => {
    await using fleet = await Fleet.open(ground, true)
    const hanging = counted("hanging", 1_000, () => new Promise(() => {}))
    const quick = counted("quick", 1_000)
    const client = await fleet.started("a", { services: [hanging, quick] })
    await fleet.advance(70_000)
    expect(quick.rounds.length).toBeGreaterThanOrEqual(60)
    // Given up after 30 s, then tried again with fewer rows.
    expect(hanging.rounds.map(({ size }) => size).slice(0, 2)).toEqual([100, 50])
    await fleet.settled(client.elector.stop())
    expect(await fleet.settled(client.maintainer.released(), 1_000)).toBe(0)
  })

  test("go on at once while there is more to do, with a breath after ten batches", async () => {
    await using fleet = await Fleet.open(ground, true)
    let left = 25
    const service = counted("s", 60_000, (size) => ({ rows: size, more: --left > 0 }))
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("all is done", () => left === 0, 3_000)
    await fleet.advance(10_000)
    expect(service.rounds).toHaveLength(25)
    const rows = client.of("maintenance.swept").map((event) => event.rows)
    expect(rows).toEqual([1_000, 1_000, 500])
  })

  test("end their term at the first write that is refused", async () => {
    await using fleet = await Fleet.open(ground, true)
    const service = counted("s", 1_000, () => "term_ended")
    const client = await fleet.started("a", { services: [service] })
    await fleet.until("it has lost", () => client.count("leader.lost") === 1, 2_000)
    expect(client.calls("resignTerm")).toBe(0)
  })
})
