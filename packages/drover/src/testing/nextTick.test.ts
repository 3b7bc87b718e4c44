import { expect, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { schedule } from "../schedules/index.ts"
import { createTestDrover } from "./testDrover.ts"

const greet = defineJob("greet", { run: () => "hello" })
const daily = schedule("daily", { cron: "0 9 * * *", timeZone: "Europe/Paris", job: greet })

test("time moves to the tick, its job is there, and drain runs it", async () => {
  await using world = createTestDrover({ jobs: [greet], schedules: [daily] })
  const first = await world.nextTick("daily")
  expect(first).toMatchObject({ at: new Date("2026-01-01T08:00:00Z"), reason: null })
  expect(world.clock.now()).toBe(first.at.getTime())
  await world.drain()
  expect(await world.drover.get(first.jobId ?? "")).toMatchObject({ state: "completed" })
  expect((await world.nextTick("daily")).at).toEqual(new Date("2026-01-02T08:00:00Z"))
})

test("a tick that is skipped says why, and one that never comes is an error", async () => {
  const often = schedule("often", { every: "1m", overlap: "skip", job: greet })
  await using world = createTestDrover({ jobs: [greet], schedules: [often] })
  await world.nextTick("often")
  expect(await world.nextTick("often")).toMatchObject({ jobId: null, reason: "overlap" })
  await world.drover.schedules.pause("often")
  await expect(world.nextTick("often")).rejects.toThrow("no tick of schedule")
  await expect(world.nextTick("none")).rejects.toThrow("no schedule")
})

test("a tick that waited for the former job comes first, once that has ended", async () => {
  const one = schedule("one", { every: "1m", overlap: "queue-one", job: greet })
  await using world = createTestDrover({ jobs: [greet], schedules: [one] })
  await world.nextTick("one")
  const held = await world.nextTick("one")
  expect(held).toMatchObject({ jobId: null, reason: "held" })
  expect(await world.nextTick("one")).toMatchObject({ jobId: null, reason: "overlap" })
  await world.drain()
  const now = world.clock.now()
  const released = await world.nextTick("one")
  expect(released).toMatchObject({ at: held.at, reason: null })
  expect(world.clock.now(), "nothing to wait for").toBe(now)
  await world.drain()
  expect(await world.drover.get(released.jobId ?? "")).toMatchObject({ state: "completed" })
  expect(await world.nextTick("one")).toMatchObject({ at: new Date("2026-01-01T00:04:00Z") })
  expect(await world.drover.schedules.get("one")).toMatchObject({ heldAt: null })
})

test("ticks that are made up for are fired together, however many, and the first says what became of it", async () => {
  const often = schedule("often", { every: "1s", catchUp: { all: 1_000 }, job: greet })
  await using world = createTestDrover({ jobs: [greet], schedules: [often] })
  await world.drover.deploySchedules()
  await world.clock.advance(400_000)
  const first = await world.nextTick("often")
  expect(first).toMatchObject({ at: new Date("2026-01-01T00:00:01Z"), reason: null })
  expect(await world.drain()).toMatchObject({ completed: 400 })
  await world.clock.advance(86_400_000)
  expect(await world.nextTick("often")).toMatchObject({ jobId: null, reason: "missed" })
  expect(await world.drain()).toMatchObject({ completed: 1_000 })
})

test("a worker that leads fires it by itself", async () => {
  const often = schedule("often", { every: "10s", job: greet })
  await using world = createTestDrover({ jobs: [greet], schedules: [often] })
  await using worker = await world.drover.work()
  await world.clock.advance(1_000)
  const { jobId, at } = await world.nextTick("often")
  expect(at).toEqual(new Date("2026-01-01T00:00:10Z"))
  await world.clock.advance(1_000)
  expect(await world.drover.get(jobId ?? "")).toMatchObject({ state: "completed" })
  expect(worker.state).toBe("running")
})
