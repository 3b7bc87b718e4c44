import { Client } from "pg"
import { PgBoss } from "pg-boss"
import { serve } from "../side.ts"
import type { Payload, Side, SideSpec } from "../side.ts"

/** pg-boss with the settings that its documentation gives for throughput, and a listener for latency. */
const QUEUE = "nothing"
const CHUNK = 10_000
const WORK = {
  batchSize: 500,
  localConcurrency: 4,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 0.5,
} as const

await serve(async ({ connection }: SideSpec): Promise<Side> => {
  const boss = new PgBoss({ connectionString: connection, useListenNotify: true })
  boss.on("error", (error) => console.error(error))
  let starting: Promise<unknown> | undefined
  const started = (): Promise<unknown> => (starting ??= boss.start())
  const client = new Client({ connectionString: connection })
  await client.connect()
  return {
    async prepare() {
      await started()
      await boss.createQueue(QUEUE, { notify: true })
    },
    async enqueue(payload) {
      await started()
      await boss.send(QUEUE, payload)
    },
    async enqueueMany(payloads) {
      await started()
      for (let at = 0; at < payloads.length; at += CHUNK) {
        const chunk = payloads.slice(at, at + CHUNK)
        await boss.insert(
          QUEUE,
          chunk.map((data) => ({ data })),
        )
      }
    },
    async work(handle) {
      await started()
      await boss.work<Payload>(QUEUE, WORK, async (jobs) => {
        for (const { data } of jobs) {
          const ended = handle(data)
          if (ended !== undefined) await ended
        }
      })
    },
    async unfinished() {
      const { rows } = await client.query<{ some: boolean }>(
        "select exists (select from pgboss.job where name = $1 and state < 'completed') as some",
        [QUEUE],
      )
      return Number(rows[0]!.some)
    },
    async close() {
      await boss.stop({ graceful: true, timeout: 5000 })
      await client.end()
    },
  }
})
