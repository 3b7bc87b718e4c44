import { defineJob, Drover } from "drover"
import type { JobContext, StoreSource } from "drover"
import { sqlite } from "drover/sqlite"
import { timed } from "../../timedStore.ts"
import { serve } from "../side.ts"
import type { Handle, Payload, Side, SideSpec } from "../side.ts"

const UNFINISHED = ["scheduled", "available", "running", "retryable"] as const

/** Drover on both of its databases, with default settings and with settings for many short jobs. */
const tuned = {
  queues: { default: { slots: 500 } },
  work: { lease: { ttl: "1s", beat: "200ms", margin: "200ms" } },
} as const

let handle: Handle = () => undefined
const nothing = defineJob("bench.nothing", {
  run: ({ input }: JobContext<Payload>) => handle(input),
})

await serve(async ({ connection, profile }: SideSpec): Promise<Side> => {
  const isTuned = profile.endsWith("tuned")
  const source: StoreSource = profile.startsWith("sqlite")
    ? sqlite(connection)
    : (await import("drover/postgres")).postgres(connection)
  const { source: store, exchangeMs } = timed(source)
  const drover = new Drover({
    store,
    jobs: [nothing],
    migrate: true,
    // What is measured with a long history must not be tidied away meanwhile.
    ...(profile.includes("history") && { retention: { bytes: false } }),
    queues: { ...(isTuned && tuned.queues), elsewhere: { slots: 1 } },
  })
  return {
    prepare: async () => void (await drover.count({}, 1)),
    enqueue: (payload) => drover.enqueue(nothing, payload),
    enqueueMany: (payloads) =>
      drover.enqueueMany(
        nothing,
        payloads.map((input) => ({ input })),
      ),
    work(given) {
      handle = given
      return drover.work({ ...(isTuned && tuned.work), queues: ["default"] })
    },
    stand: () => drover.work({ ...(isTuned && tuned.work), queues: ["elsewhere"] }),
    term: async () => (await drover.leader())?.term ?? null,
    unfinished: () => drover.count({ states: [...UNFINISHED] }, 100_000),
    claimMs: () => exchangeMs.splice(0),
    close: () => drover.close(),
  }
})
