import { Logger, makeWorkerUtils, run } from "graphile-worker"
import { Pool } from "pg"
import { serve } from "../side.ts"
import type { Payload, Side, SideSpec } from "../side.ts"

/**
 * graphile-worker as its own performance test runs it (perfTest/graphile.config.js), with the lines that batch,
 * or without them.
 */
const CONCURRENT_JOBS = 24
const BATCHED = {
  localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
} as const

// The statement of its perfTest/init.js, faster than a call of addJobs for each thousand.
const ADD_MANY =
  "select 1 from graphile_worker.add_jobs(array(select json_populate_recordset(null::graphile_worker.job_spec, $1::json)))"

// Its own performance test sets it: a line for each job would be measured otherwise.
process.env["NO_LOG_SUCCESS"] = "1"
const logger = new Logger(() => () => undefined)

await serve(async ({ connection, profile }: SideSpec): Promise<Side> => {
  const pool = new Pool({ connectionString: connection, max: CONCURRENT_JOBS + 1 })
  const utils = await makeWorkerUtils({ pgPool: pool, logger })
  const closers: (() => Promise<unknown>)[] = []
  return {
    prepare: () => utils.migrate(),
    enqueue: (payload) => utils.addJob("nothing", payload),
    async enqueueMany(payloads) {
      const specs = payloads.map((payload) => ({ identifier: "nothing", payload }))
      await pool.query(ADD_MANY, [JSON.stringify(specs)])
    },
    async work(handle) {
      const runner = await run({
        preset: {
          worker: {
            connectionString: connection,
            concurrentJobs: CONCURRENT_JOBS,
            maxPoolSize: CONCURRENT_JOBS + 1,
            ...(profile === "batched" && BATCHED),
          },
        },
        logger,
        noHandleSignals: true,
        taskList: { nothing: (payload) => handle(payload as Payload) },
        parsedCronItems: [],
      })
      closers.push(() => runner.stop())
    },
    async unfinished() {
      const { rows } = await pool.query<{ some: boolean }>(
        "select exists (select from graphile_worker._private_jobs) as some",
      )
      return Number(rows[0]!.some)
    },
    async close() {
      for (const close of closers) await close()
      await utils.release()
      await pool.end()
    },
  }
})
