import { describe, expect, test } from "vitest"
import { daily, day, Ground, hour, minute } from "./fixtures/ground.ts"
import type { Process } from "./fixtures/ground.ts"
import type { ScheduleDefinition } from "./schedule.ts"

const at = (text: string): number => Date.parse(text)

function deploy(
  process: Process,
  definitions: readonly ScheduleDefinition[],
  options: { readonly number?: number; readonly force?: boolean } = {},
): Promise<"applied" | "superseded"> {
  const { number = null, force = false } = options
  return process.schedules.deploy({ deployment: "app", definitions }, { number, force })
}

async function actionsOf(process: Process, name = "daily"): Promise<readonly string[]> {
  return (await process.schedules.changes(name)).map(({ action }) => action).toReversed()
}

describe("deployments", () => {
  test("the same configuration deployed again changes nothing", async () => {
    await using ground = new Ground()
    const [a, b] = [await ground.process("a"), await ground.process("b")]
    expect(await deploy(a, [daily("daily"), daily("other")])).toBe("applied")
    const row = await ground.row()
    expect(await deploy(b, [daily("other"), daily("daily")])).toBe("applied")
    expect(await ground.row()).toEqual(row)
    expect(await actionsOf(a)).toEqual(["declared"])
  })

  test("what an operator changed survives a deploy, field by field", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await deploy(a, [daily("daily", { priority: 5 })])
    await a.schedules.edit("daily", { cron: "30 10 * * *", queue: "slow" })
    await deploy(a, [daily("daily", { cron: "0 12 * * *", queue: "fast", priority: 9 })])
    const view = await a.schedules.get("daily")
    expect(view?.rules).toMatchObject({ cron: "30 10 * * *", queue: "slow", priority: 9 })
    expect(view?.changedFields).toEqual(["cron", "everyMs", "queue"])
    await a.schedules.reset("daily")
    const back = await a.schedules.get("daily")
    expect(back).toMatchObject({ changedFields: [], rules: { cron: "0 12 * * *", queue: "fast" } })
    expect(back?.next[0]).toEqual(new Date("2026-03-01T12:00:00Z"))
  })

  test("a schedule that is left out is retired, and one that comes back goes on after now", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.lead()
    await deploy(a, [daily("daily"), daily("other")])
    await deploy(a, [daily("other")])
    expect(await a.schedules.get("daily")).toMatchObject({ status: "retired", next: [] })
    await ground.advance(2 * day)
    expect(await ground.history("daily")).toEqual([])
    expect(await ground.history("other")).toHaveLength(2)
    await deploy(a, [daily("daily"), daily("other")], { force: true })
    await ground.advance(day)
    expect(await ground.history("daily")).toMatchObject([
      { reason: "retired", count: 2 },
      { reason: null, at: at("2026-03-03T09:00:00Z") },
    ])
  })

  test("two versions that deploy in turn do not flap: the newer one holds", async () => {
    await using ground = new Ground()
    const [old, recent] = [await ground.process("old"), await ground.process("recent")]
    const before = [daily("daily"), daily("gone")]
    const after = [daily("daily", { cron: "0 10 * * *" }), daily("added")]
    await deploy(old, before)
    await deploy(recent, after)
    const rows = await ground.store.schedules({ after: null, limit: 10 })
    for (let round = 0; round < 5; round++) {
      expect(await deploy(old, before)).toBe("superseded")
      expect(await deploy(recent, after)).toBe("applied")
      expect(await ground.store.schedules({ after: null, limit: 10 })).toEqual(rows)
    }
    expect(old.eventsOf("schedule.superseded")[0]).toEqual({
      deployment: "app",
      generation: 1,
      current: 2,
    })
    expect(await deploy(old, before, { force: true })).toBe("applied")
    expect(await old.schedules.get("added")).toMatchObject({ status: "retired" })
    expect(await deploy(recent, after)).toBe("superseded")
  })

  test("two processes that deploy at once end with one schedule each", async () => {
    await using ground = new Ground()
    const [a, b] = [await ground.process("a"), await ground.process("b")]
    const definitions = Array.from({ length: 20 }, (_, n) => daily(`s${n}`))
    expect(await Promise.all([deploy(a, definitions), deploy(b, definitions)])).toEqual([
      "applied",
      "applied",
    ])
    expect(await ground.store.schedules({ after: null, limit: 100 })).toHaveLength(20)
    expect(await a.schedules.changes()).toHaveLength(20)
  })

  test("a deploy leaves schedules alone that were made at run time or by another program", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("mine"))
    const theirs = { deployment: "other", definitions: [daily("theirs")] }
    await a.schedules.deploy(theirs, { number: null, force: false })
    await deploy(a, [])
    expect((await a.schedules.list()).map(({ status }) => status)).toEqual(["active", "active"])
    await expect(deploy(a, [daily("theirs")])).rejects.toThrow('deployment "other" declares it')
  })

  test("a number that is taken by another configuration is refused", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await deploy(a, [daily()], { number: 4 })
    await expect(deploy(a, [], { number: 4 })).rejects.toThrow("under number 4")
    expect(await deploy(a, [], { number: 3 })).toBe("superseded")
  })
})

describe("operators", () => {
  test("a paused schedule accounts for what it left out, and goes on after now", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await deploy(a, [daily()])
    await a.lead()
    await ground.advance(10 * hour)
    await a.schedules.pause("daily")
    await a.schedules.pause("daily")
    await ground.advance(3 * day)
    expect(await a.schedules.get("daily")).toMatchObject({ status: "paused" })
    await deploy(a, [daily("daily", { priority: 3 })])
    expect(await a.schedules.get("daily")).toMatchObject({ status: "paused" })
    await a.schedules.resume("daily")
    await ground.advance(day)
    expect(await ground.history()).toMatchObject([
      { reason: null, at: at("2026-03-01T09:00:00Z") },
      { reason: "paused", count: 3, throughAt: at("2026-03-04T09:00:00Z") },
      { reason: null, at: at("2026-03-05T09:00:00Z") },
    ])
    expect(await actionsOf(a)).toEqual(["declared", "paused", "declared", "resumed"])
    const [newest] = await a.schedules.changes("daily")
    expect(newest).toMatchObject({ actor: "a", action: "resumed" })
  })

  test("an edit of the time moves the next tick; an edit of the job does not", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("often", { every: "10m" }))
    const { nextAt, anchorAt } = await ground.row("often")
    await ground.advance(minute)
    await a.schedules.edit("often", { input: { to: "bob" }, overlap: "skip" })
    expect(await ground.row("often")).toMatchObject({ nextAt, anchorAt })
    await a.schedules.edit("often", { every: "7m" })
    expect(await ground.row("often")).toMatchObject({ nextAt: at("2026-03-01T00:08:00Z") })
    await a.schedules.edit("often", { cron: "@hourly", endAt: new Date("2026-03-01T02:00:00Z") })
    const view = await a.schedules.get("often")
    expect(view?.rules).toMatchObject({ cron: "@hourly", everyMs: null, input: { to: "bob" } })
    expect(view?.next).toEqual([1, 2].map((n) => new Date(`2026-03-01T0${n}:00:00Z`)))
    await a.schedules.edit("often", { endAt: null })
    expect((await a.schedules.get("often", { next: 3 }))?.next).toHaveLength(3)
  })

  test("an edit that cannot work changes nothing", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily())
    const row = await ground.row()
    await expect(a.schedules.edit("daily", { cron: "0 0 31 2 *" })).rejects.toThrow("no date")
    await expect(a.schedules.edit("daily", { timeZone: "Paris" })).rejects.toThrow("time zone")
    await expect(a.schedules.edit("daily", { jiter: 1 } as never)).rejects.toThrow('"jitter"')
    await expect(a.schedules.edit("none", {})).rejects.toThrow('no schedule "none"')
    await expect(a.schedules.pause("dayly")).rejects.toThrow('did you mean "daily"')
    await expect(a.schedules.create(daily())).rejects.toThrow("there is one with this name")
    expect(await ground.row()).toEqual(row)
  })

  test("what is asked about a schedule that never was is an error, and of one that was removed its changes", async () => {
    await using ground = new Ground()
    const { schedules } = await ground.process("a")
    await schedules.create(daily("daily"))
    expect(await schedules.ticks("daily")).toEqual([])
    const unknown = {
      code: "DROVER_UNKNOWN_SCHEDULE",
      message: expect.stringContaining('"daily"?'),
    }
    await expect(schedules.ticks("dayly")).rejects.toMatchObject(unknown)
    await expect(schedules.changes("dayly")).rejects.toMatchObject(unknown)
    await schedules.remove("daily")
    const [newest] = await schedules.changes("daily", { limit: 1 })
    expect(newest).toMatchObject({ action: "deleted" })
    // The page behind the last change is empty, and no mistake.
    const all = await schedules.changes("daily")
    expect(await schedules.changes("daily", { before: all.at(-1)!.seq })).toEqual([])
  })

  test("an edit while ticks fire loses neither", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("often", { every: "1s" }))
    await a.lead()
    for (let n = 1; n <= 20; n++) {
      await Promise.all([a.schedules.edit("often", { priority: n }), ground.advance(1_000)])
    }
    await ground.advance(10)
    expect(await ground.history("often")).toHaveLength(20)
    expect((await a.schedules.get("often"))?.rules?.priority).toBe(20)
  })

  test("a job that is triggered is noted, and the ticks stay as they are", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily())
    const jobId = await a.schedules.trigger("daily")
    expect(await ground.history()).toMatchObject([{ jobId, actor: "a", reason: null }])
    const [job] = await ground.jobs()
    expect(JSON.parse(job?.metadata ?? "")).toEqual({
      schedule: { name: "daily", triggeredBy: "a" },
    })
    expect((await ground.row()).nextAt).toBe(at("2026-03-01T09:00:00Z"))
  })

  test("a schedule of the code that was removed stays away from deploys until it is restored", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await deploy(a, [daily()])
    await a.schedules.remove("daily")
    await deploy(a, [daily("daily", { priority: 1 })])
    expect(await a.schedules.get("daily")).toMatchObject({ status: "deleted", next: [] })
    await a.lead()
    await ground.advance(day)
    expect(await ground.jobs()).toEqual([])
    await a.schedules.restore("daily")
    await ground.advance(day)
    expect(await ground.history()).toMatchObject([{ reason: "deleted" }, { reason: null }])
  })

  test("a schedule that was made at run time goes for good", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily())
    await a.schedules.remove("daily")
    expect(await a.schedules.get("daily")).toBeNull()
    expect(await actionsOf(a)).toEqual(["created", "deleted"])
  })
})
