import { expect, test, vi } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { WorkerRun } from "../jobs/work/workerRun.ts"
import { sqlite } from "../sqlite/index.ts"
import { Drover } from "./drover.ts"

const idle = defineJob("idle", { run: () => null })

/** A job whose handler runs until it is let go. */
function held(): { readonly job: typeof idle; readonly release: () => void } {
  const { promise, resolve } = Promise.withResolvers<null>()
  return { job: defineJob("held", { run: () => promise }), release: () => resolve(null) }
}

test("a worker that has stopped is told of nothing, until it is started again", async () => {
  await using drover = new Drover({ store: sqlite(":memory:"), jobs: [idle] })
  const worker = await drover.work()
  const hint = vi.spyOn(worker, "hint")
  await drover.enqueueMany(idle, [{ input: null }])
  expect(hint).toHaveBeenCalled()
  await worker.stop()
  hint.mockClear()
  await drover.enqueueMany(idle, [{ input: null }])
  expect(hint).not.toHaveBeenCalled()
  await worker.start()
  await drover.enqueueMany(idle, [{ input: null }])
  expect(hint).toHaveBeenCalled()
  await drover.close()
  expect(worker.state).toBe("stopped")
})

test("a close waits for a stop that is under way, and tells what went wrong with it", async () => {
  const { job, release } = held()
  const drover = new Drover({ store: sqlite(":memory:"), jobs: [job] })
  const worker = await drover.work()
  const started = drover.events.next("job.started")
  await drover.enqueue(job)
  await started
  const broken = new Error("it did not end well")
  vi.spyOn(WorkerRun.prototype, "close").mockRejectedValueOnce(broken)
  const stopped = expect(worker.stop()).rejects.toBe(broken)
  const closed = expect(drover.close()).rejects.toBe(broken)
  expect(worker.state).toBe("stopping")
  release()
  await Promise.all([stopped, closed])
  expect(worker.state).toBe("stopped")
})

test("no worker starts again under a client that closes", async () => {
  const { job, release } = held()
  const drover = new Drover({ store: sqlite(":memory:"), jobs: [job] })
  const worker = await drover.work()
  const started = drover.events.next("job.started")
  await drover.enqueue(job)
  await started
  const closed = drover.close()
  const again = expect(worker.start()).rejects.toMatchObject({ code: "DROVER_CLOSED" })
  release()
  await Promise.all([closed, again])
  expect(worker.state).toBe("stopped")
})

test("one that is starting again when the client closes does not stay behind", async () => {
  const drover = new Drover({ store: sqlite(":memory:"), jobs: [idle] })
  const worker = await drover.work()
  await worker.stop()
  const again = expect(worker.start()).rejects.toMatchObject({ code: "DROVER_CLOSED" })
  await Promise.all([drover.close(), again])
  expect(worker.state).toBe("stopped")
})
