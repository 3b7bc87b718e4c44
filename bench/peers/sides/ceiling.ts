import { Drover, defineJob } from "drover"
import { postgres } from "drover/postgres"
import { Client } from "pg"
import { LowMarks } from "../../../packages/drover/src/postgres/lowMarks.ts"
import { systemClock, systemRng, UuidMaker } from "../../../packages/drover/src/time/index.ts"
import { serve } from "../side.ts"
import type { Payload, Side, SideSpec } from "../side.ts"
import { ExchangeLoop, priority, runStatement, schema } from "./ceilingLoop.ts"

/**
 * The ceiling on Postgres: the statements of Drover's hot path, word for word as the store sends them, in a loop
 * without a runtime: no handlers, events, leases or slots, nothing that comes late or fails. The profile says how
 * many jobs an exchange settles and claims, and how many connections do so at once: "100x2".
 */
const BULK = 1000
const LEASE_MS = 3_600_000
// Ids as the library makes them: in the order of time, which is how an index likes them.
const uuids = new UuidMaker(systemClock, systemRng)

const nothing = defineJob("bench.nothing", { run: (): void => undefined })

await serve(async ({ connection, profile }: SideSpec): Promise<Side> => {
  const [batch, loops] = profile.split("x").map(Number) as [number, number]
  const open = async (): Promise<Client> => {
    const client = new Client({ connectionString: connection })
    await client.connect()
    return client
  }
  const client = await open()
  const lane = async (): Promise<number> => {
    const { rows } = await client.query<{ id: number }>(`select id from ${schema}.lane limit 1`)
    return rows[0]!.id
  }
  let stopped = false
  const running: Promise<void>[] = []
  return {
    async prepare() {
      // Tables and the lane of the kind are made by the library itself.
      await using drover = new Drover({
        store: postgres(connection),
        jobs: [nothing],
        migrate: true,
      })
      await drover.enqueue(nothing)
      await client.query(`delete from ${schema}.job`)
    },
    enqueue: () => Promise.reject(new Error("the ceiling enqueues in bulk only")),
    async enqueueMany(payloads) {
      const id = await lane()
      for (let at = 0; at < payloads.length; at += BULK) {
        const values = jobValues(id, payloads.slice(at, at + BULK))
        await runStatement(client, "add_jobs", values)
      }
    },
    async work(handle) {
      const id = await lane()
      const marks = new LowMarks(systemClock)
      for (let n = 0; n < loops; n++) {
        const own = await open()
        const values = [`ceiling-${n}-${process.pid}`, n + 1, "", process.pid, LEASE_MS, "{}"]
        const rows = await runStatement(own, "register_worker", values)
        const loop = new ExchangeLoop(own, {
          lane: id,
          worker: rows[0]![0] as number,
          token: n + 1,
          marks,
        })
        running.push(loop.run(batch, handle, () => stopped))
      }
    },
    async unfinished() {
      const { rows } = await client.query<{ some: boolean }>(
        `select exists (select from ${schema}.job where state < 4) as some`,
      )
      return Number(rows[0]!.some)
    },
    async close() {
      stopped = true
      await Promise.all(running)
      await client.end()
    },
  }
})

function jobValues(lane: number, payloads: readonly Payload[]): unknown[] {
  const ids = payloads.map(() => uuids.next())
  const inputs = payloads.map((payload) => JSON.stringify(payload))
  const attributes = [null, priority, "default", null, null, 25, 3, null, null, null]
  return [`{${ids.join(",")}}`, `[${inputs.join(",")}]`, lane, 0, ...attributes]
}
