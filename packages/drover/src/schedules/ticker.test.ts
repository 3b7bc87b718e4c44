import { describe, expect, test } from "vitest"
import { daily, day, Ground, hour, minute, second } from "./fixtures/ground.ts"
import type { TickFault } from "./fixtures/ground.ts"

const at = (text: string): number => Date.parse(text)

test("a tick fires at its instant, by a job that knows it, and the pointer goes on", async () => {
  await using ground = new Ground()
  const a = await ground.process("a")
  await a.schedules.create(daily("daily", { input: { to: "ann" }, queue: "mail", priority: 7 }))
  await a.lead()
  await ground.advance(9 * hour - 1)
  expect(await ground.jobs()).toEqual([])
  await ground.advance(1)
  const [job, ...none] = await ground.jobs()
  expect(none).toEqual([])
  expect(job).toMatchObject({ kind: "digest", queue: "mail", priority: 7, input: '{"to":"ann"}' })
  expect(job?.enqueuedAt).toBe(at("2026-03-01T09:00:00Z"))
  expect(job?.tags).toEqual(["schedule:daily"])
  expect(JSON.parse(job?.metadata ?? "")).toEqual({
    schedule: { name: "daily", tickAt: "2026-03-01T09:00:00.000Z" },
  })
  expect(a.eventsOf("schedule.ticked")).toEqual([
    { schedule: "daily", tickAt: at("2026-03-01T09:00:00Z"), jobId: job?.id, lateMs: 0 },
  ])
  expect(await ground.row()).toMatchObject({ nextAt: at("2026-03-02T09:00:00Z") })
})

test("a schedule that another process makes is fired without a hint within a minute, with one at once", async () => {
  await using ground = new Ground()
  const [a, b] = [await ground.process("a"), await ground.process("b")]
  await a.lead()
  await b.schedules.create(daily("often", { every: "5s" }))
  await ground.advance(minute)
  expect(await ground.history("often")).toMatchObject([{ reason: "missed" }, { reason: null }])
  await a.schedules.create(daily("soon", { every: "1s" }))
  await ground.advance(second)
  expect(await ground.history("soon")).toHaveLength(1)
  await a.halt()
  a.hears = true
  await a.lead()
  await b.schedules.create(daily("heard", { every: "2s" }))
  await ground.advance(2 * second)
  expect(await ground.history("heard")).toHaveLength(1)
})

test("ids of ticks carry the store's time, however far off the leader's clock is", async () => {
  await using ground = new Ground()
  const a = await ground.process("a")
  await a.schedules.create(daily("often", { every: "1m" }))
  a.aheadMs = 5 * hour
  await a.lead()
  await ground.advance(minute)
  a.aheadMs = -5 * hour
  await ground.advance(minute)
  const times = (await ground.jobs()).map(({ id }) =>
    parseInt(id.replace("-", "").slice(0, 12), 16),
  )
  expect(times).toEqual([at("2026-03-01T00:01:00Z"), at("2026-03-01T00:02:00Z")])
})

test("an interval never drifts, however late its ticks are", async () => {
  await using ground = new Ground()
  const a = await ground.process("a")
  await a.schedules.create(daily("often", { every: "90s", startAt: at("2026-03-01T00:01:00Z") }))
  await a.lead()
  for (let round = 0; round < 20; round++) await ground.advance(37 * second + round)
  const first = at("2026-03-01T00:01:00Z")
  const wanted = Array.from({ length: 8 }, (_, n) =>
    new Date(first + n * 90 * second).toISOString(),
  )
  expect((await ground.ticked()).slice(0, 8)).toEqual(wanted)
})

test("a clock that leaps forward makes late ticks by policy, one that leaps back none twice", async () => {
  await using ground = new Ground()
  const a = await ground.process("a")
  await a.schedules.create(daily("often", { every: "1m", catchUp: { all: 2 } }))
  await a.lead()
  await ground.advance(minute)
  ground.clock.jumpWall(10 * minute)
  await ground.advance(minute)
  expect(await ground.ticked()).toHaveLength(3)
  const missed = (await ground.history("often")).find(({ reason }) => reason === "missed")
  expect(missed).toMatchObject({ count: 9 })
  ground.clock.jumpWall(-5 * minute)
  await ground.advance(10 * minute)
  const ticked = await ground.ticked()
  expect(new Set(ticked).size).toBe(ticked.length)
})

describe("after a downtime every missed tick is accounted for", () => {
  test.each([
    ["latest" as const, 1, [{ reason: "missed", count: 9 }]],
    [{ all: 3 }, 3, [{ reason: "missed", count: 7 }]],
    [{ all: 50 }, 10, []],
    ["skip" as const, 0, [{ reason: "missed", count: 10 }]],
  ])("%j", async (catchUp, jobs, skipped) => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("daily", { catchUp }))
    await ground.advance(9 * day + 10 * hour)
    await a.lead()
    await ground.advance(second)
    const ticked = await ground.ticked()
    expect(ticked).toEqual(
      Array.from(
        { length: 10 },
        (_, n) => `2026-03-${String(n + 1).padStart(2, "0")}T09:00:00.000Z`,
      ).slice(10 - jobs),
    )
    const lines = await ground.history()
    expect(lines.filter(({ jobId }) => jobId === null)).toMatchObject(skipped)
    expect(lines.reduce((sum, { count }) => sum + (count ?? Number.NaN), 0)).toBe(10)
    expect(await ground.row()).toMatchObject({ nextAt: at("2026-03-11T09:00:00Z") })
  })

  test("a tick that is hardly late runs under skip as well", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("daily", { catchUp: "skip", lateAfter: "30s" }))
    await ground.advance(9 * hour + 30 * second)
    await a.lead()
    await ground.advance(1)
    expect(await ground.ticked()).toEqual(["2026-03-01T09:00:00.000Z"])
  })

  test("years of seconds are summed up at once, and the latest run", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("often", { every: "1s", catchUp: { all: 3 } }))
    await a.schedules.create(daily("cron", { cron: "*/2 * * * * *", catchUp: "latest" }))
    ground.clock.jumpWall(3 * 365 * day)
    await a.lead()
    await ground.advance(1)
    const lines = await ground.history("often")
    expect(lines).toHaveLength(4)
    expect(lines[0]).toMatchObject({ reason: "missed", count: null })
    expect((lines[1]?.at ?? 0) - (lines[0]?.throughAt ?? 0)).toBe(second)
    expect(await ground.history("cron")).toHaveLength(2)
    await ground.advance(10 * second)
    expect(await ground.history("often")).toHaveLength(14)
  })
})

describe("the leader is lost while it writes a tick: no tick is lost, none doubled", () => {
  test.each<TickFault>(["before", "after"])("%s the write", async (fault) => {
    await using ground = new Ground()
    const [a, b] = [await ground.process("a"), await ground.process("b")]
    await a.schedules.create(daily())
    await a.lead()
    a.fault = () => fault
    await ground.advance(9 * hour)
    await a.halt()
    await b.lead()
    await ground.advance(hour)
    expect(await ground.ticked()).toEqual(["2026-03-01T09:00:00.000Z"])
    expect(await ground.history()).toMatchObject([{ count: 1, at: at("2026-03-01T09:00:00Z") }])
    await ground.advance(day)
    expect(await ground.ticked()).toHaveLength(2)
  })

  test("a leader whose replies are lost goes on by itself", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("often", { every: "1m", catchUp: { all: 100 } }))
    await a.lead()
    let writes = 0
    a.fault = () => (++writes % 3 === 0 ? undefined : writes % 3 === 1 ? "before" : "after")
    for (let round = 0; round < 60; round++) await ground.advance(minute)
    a.fault = undefined
    await ground.advance(10 * second)
    const ticked = await ground.ticked()
    expect(ticked).toHaveLength(60)
    expect(new Set(ticked).size).toBe(60)
  })

  test("an old and a new leader fire together: each instant once, and the old one is told", async () => {
    await using ground = new Ground()
    const [a, b] = [await ground.process("a"), await ground.process("b")]
    await a.schedules.create(daily("often", { every: "10s" }))
    await a.lead()
    await ground.advance(25 * second)
    await b.lead()
    for (let round = 0; round < 60; round++) await ground.advance(10 * second)
    const ticked = await ground.ticked()
    expect(ticked).toHaveLength(62)
    expect(new Set(ticked).size).toBe(62)
    expect(a.termsEnded).toBeGreaterThan(0)
  })
})

describe("overlap", () => {
  test("skip: a tick whose former job has not ended is in the history with that reason", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("often", { every: "1m", overlap: "skip" }))
    await a.lead()
    await ground.advance(3 * minute)
    expect((await ground.history("often")).map(({ reason }) => reason)).toEqual([
      null,
      "overlap",
      "overlap",
    ])
    const [job] = await ground.jobs()
    await ground.store.act("cancel", { ids: [job!.id] }, { actor: "t", reason: "t", limit: 1 })
    await ground.advance(minute)
    expect(await ground.jobs()).toHaveLength(2)
    expect(a.eventsOf("schedule.skipped")).toHaveLength(2)
  })

  test("queue-one: one tick waits for the former job and goes on when it ends", async () => {
    await using ground = new Ground()
    const a = await ground.process("a")
    await a.schedules.create(daily("often", { every: "1m", overlap: "queue-one" }))
    await a.lead()
    await ground.advance(3 * minute)
    expect((await ground.history("often")).map(({ reason }) => reason)).toEqual([
      null,
      "held",
      "overlap",
    ])
    const [job] = await ground.jobs()
    await ground.store.act("cancel", { ids: [job!.id] }, { actor: "t", reason: "t", limit: 1 })
    await ground.advance(2 * second)
    expect((await ground.history("often")).map(({ reason }) => reason)).toEqual([
      null,
      null,
      "overlap",
    ])
    expect(await ground.ticked()).toEqual(["2026-03-01T00:01:00.000Z", "2026-03-01T00:02:00.000Z"])
    expect(a.eventsOf("schedule.held")).toHaveLength(1)
  })
})

test("jitter spreads ticks behind their instants, each by the same amount whoever fires it", async () => {
  const runs: number[][] = []
  for (const leader of ["a", "b"]) {
    await using ground = new Ground()
    const a = await ground.process(leader)
    await a.schedules.create(daily("often", { every: "10m", jitter: "5m" }))
    await a.lead()
    for (let round = 0; round < 130; round++) await ground.advance(minute / 2)
    const jobs = await ground.jobs()
    const delays = jobs.map(
      (job, index) => job.enqueuedAt - (at("2026-03-01T00:00:00Z") + (index + 1) * 10 * minute),
    )
    for (const delay of delays) expect(delay).toBeGreaterThanOrEqual(0)
    for (const delay of delays) expect(delay).toBeLessThanOrEqual(5 * minute)
    expect(new Set(delays).size).toBeGreaterThan(1)
    runs.push(delays)
  }
  expect(runs[0]).toEqual(runs[1])
})

test("a schedule that cannot be read stops by itself and disturbs no other", async () => {
  await using ground = new Ground()
  const a = await ground.process("a")
  await a.schedules.create(daily("broken", { every: "1m" }))
  await a.schedules.create(daily("whole", { every: "1m" }))
  const { version, changed } = await ground.row("broken")
  await ground.store.changeSchedule({
    ...{ id: "x", name: "broken", version, actor: "t", action: "edited", detail: null },
    patch: { changed: changed.replace('"UTC"', '"Mars/Olympus"') },
    passed: [],
  })
  await a.lead()
  await ground.advance(3 * minute)
  expect(await ground.history("whole")).toHaveLength(3)
  expect(await ground.history("broken")).toEqual([])
  expect(a.eventsOf("schedule.failed")).toMatchObject([{ schedule: "broken" }])
  const view = await a.schedules.get("broken")
  expect(view).toMatchObject({ status: "failed", failure: expect.stringContaining("Mars/Olympus") })
  await a.schedules.edit("broken", { timeZone: "Europe/Paris" })
  expect(await a.schedules.get("broken")).toMatchObject({ status: "active", failure: null })
  await ground.advance(minute)
  expect(await ground.history("broken")).toMatchObject([
    { reason: "failed", count: null },
    { reason: null, count: 1 },
  ])
})

test("startAt and endAt bound the ticks, and a schedule that has none left has ended", async () => {
  await using ground = new Ground()
  const a = await ground.process("a")
  const bounds = { startAt: at("2026-03-02T09:00:00Z"), endAt: at("2026-03-04T09:00:00Z") }
  await a.schedules.create(daily("daily", bounds))
  await a.lead()
  await ground.advance(10 * day)
  expect(await ground.ticked()).toEqual(
    ["02", "03", "04"].map((date) => `2026-03-${date}T09:00:00.000Z`),
  )
  expect(await a.schedules.get("daily")).toMatchObject({ status: "ended", next: [] })
})

test("thousands of schedules that are due at one instant all fire at it", async () => {
  await using ground = new Ground()
  const a = await ground.process("a")
  for (let n = 0; n < 2_000; n++) await a.schedules.create(daily(`s${n}`))
  await a.lead()
  await ground.advance(9 * hour)
  // Time stands still while the batches are written.
  for (let turn = 0; turn < 1_000 && a.eventsOf("schedule.ticked").length < 2_000; turn++) {
    await ground.clock.settle()
  }
  expect(await ground.ticked()).toHaveLength(2_000)
  for (const { lateMs } of a.eventsOf("schedule.ticked")) expect(lateMs).toBe(0)
})
