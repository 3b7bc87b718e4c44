// How a program tests its jobs: no sleeping, no mocks, no server.
import { defineJob, snooze } from "drover"
import type { Drover, JobContext } from "drover"
import { assertEnqueued, assertNotEnqueued, createTestDrover, runJob } from "drover/testing"
import { expect, test } from "vitest"

const remind = defineJob("mail.remind", {
  retry: { maxAttempts: 3, backoff: "fixed", base: "1m", jitter: "none" },
  run({ input, attempt, log, job }: JobContext<{ user: number }>) {
    if (input.user === 0) throw new Error("no such user")
    if (job.tags.includes("holiday")) return snooze("1d")
    log.info(`reminded ${input.user}`)
    return { sent: true, attempt }
  },
})

// What is tested: code of the program that enqueues.
async function signUp(drover: Drover, user: number): Promise<void> {
  await drover.enqueue(remind, { user }, { runIn: "3d", tags: ["onboarding"] })
}

test("a handler alone: its result, its log, its outcome", async () => {
  const run = await runJob(remind, { user: 7 })
  expect(run).toMatchObject({ outcome: "completed", result: { sent: true, attempt: 1 } })
  expect(run.log).toMatchObject([{ level: "info", message: "reminded 7" }])

  const later = await runJob(remind, { user: 7 }, { enqueue: { tags: ["holiday"] } })
  expect(later).toMatchObject({ outcome: "snoozed", delayMs: 86_400_000 })

  const last = await runJob(remind, { user: 0 }, { attempt: 3 })
  expect(last).toMatchObject({ outcome: "discarded", error: { message: "no such user" } })
})

test("signing up plans a reminder in three days", async () => {
  await using world = createTestDrover({ jobs: [remind], startAt: Date.UTC(2026, 0, 1) })
  await signUp(world.drover, 7)
  const job = await assertEnqueued(world.drover, remind, {
    input: { user: 7 },
    tags: ["onboarding"],
    runAt: new Date("2026-01-04T00:00:00Z"),
  })
  expect(job.state).toBe("scheduled")
  await assertNotEnqueued(world.drover, remind, { input: { user: 8 } })
})

test("the reminder goes out when its time has come", async () => {
  await using world = createTestDrover({ jobs: [remind] })
  await signUp(world.drover, 7)
  expect(await world.drain()).toMatchObject({ attempts: 0 })
  await world.clock.advance(3 * 86_400_000)
  expect(await world.drain()).toMatchObject({ attempts: 1, completed: 1 })
})

test("a reminder that fails is tried three times, then given up", async () => {
  await using world = createTestDrover({ jobs: [remind] })
  const handle = await world.drover.enqueue(remind, { user: 0 })
  expect(await world.drain({ later: true })).toMatchObject({ attempts: 3, discarded: 1 })
  await world.probe.next("job.discarded", { jobId: handle.id })
  await expect(handle.result()).rejects.toMatchObject({ code: "DROVER_DISCARDED" })
})
