import { createPostgresBackend, Queue, Worker, withBackend } from "bullmq"
import type { Job } from "bullmq"
import { serve } from "../side.ts"
import type { Payload, Side, SideSpec } from "../side.ts"

/** BullMQ on Redis and on Postgres; finished jobs stay, as by default. */
const QUEUE = "nothing"
const CONCURRENCY = 30
const CHUNK = 1000

await serve(({ connection, profile }: SideSpec): Side => {
  const onPostgres = profile === "postgres"
  const made = onPostgres ? withBackend(createPostgresBackend) : { Queue, Worker }
  const options = {
    connection: onPostgres
      ? { connectionString: connection, migrate: true, max: CONCURRENCY }
      : { url: connection, maxRetriesPerRequest: null },
  }
  // The two backends differ in nothing that is used here but the type of their connection.
  const { Queue: AnyQueue, Worker: AnyWorker } = made as unknown as {
    Queue: typeof Queue
    Worker: typeof Worker
  }
  const queue = new AnyQueue<Payload>(QUEUE, options as never)
  queue.on("error", (error) => console.error(error))
  const workers: Worker[] = []
  return {
    prepare: () => queue.waitUntilReady().then(() => undefined),
    enqueue: (data) => queue.add("nothing", data),
    async enqueueMany(payloads) {
      for (let at = 0; at < payloads.length; at += CHUNK) {
        const chunk = payloads.slice(at, at + CHUNK)
        await queue.addBulk(chunk.map((data) => ({ name: "nothing", data })))
      }
    },
    async work(handle) {
      const worker = new AnyWorker(QUEUE, async (job: Job<Payload>) => handle(job.data), {
        ...options,
        concurrency: CONCURRENCY,
      } as never)
      worker.on("error", (error) => console.error(error))
      workers.push(worker)
      await worker.waitUntilReady()
    },
    async unfinished() {
      const counts = await queue.getJobCounts("waiting", "active", "delayed", "prioritized")
      return Object.values(counts).reduce((sum, count) => sum + count, 0)
    },
    async close() {
      for (const worker of workers) await worker.close()
      await queue.close()
    },
  }
})
