import { expect, test } from "vitest"
import { defineJob } from "../jobs/define/jobDefinition.ts"
import { resolveWorkerOptions } from "../jobs/work/workerOptions.ts"
import { retry } from "../retry/index.ts"
import { schedule } from "../schedules/index.ts"
import { SlotPool } from "../slots/index.ts"
import { sqlite } from "../sqlite/index.ts"
import { Drover } from "./drover.ts"

const run = (): void => {}
const job = defineJob("a", { run })
const store = sqlite(":memory:")
const daily = { job, cron: "@daily" }

/** What JavaScript may hand over where types would not. */
const wrong = (options: object): never => options as never

const callers: Readonly<Record<string, (options: object) => unknown>> = {
  defineJob: (options) => defineJob("a", { run, ...options }),
  "defineJob, retry": (retry) => defineJob("a", { run, retry: wrong(retry) }),
  schedule: (options) => schedule("s", { ...daily, ...options }),
  work: (options) => resolveWorkerOptions(wrong(options)),
  "work, lease": (lease) => resolveWorkerOptions({ lease: wrong(lease) }),
  "new Drover": (options) => new Drover({ store, ...options }),
  lead: (lead) => new Drover({ store, lead: wrong(lead) }),
  maintenance: (maintenance) => new Drover({ store, maintenance: wrong(maintenance) }),
  retention: (retention) => new Drover({ store, retention: wrong(retention) }),
  queues: (queue) => new Drover({ store, queues: { a: wrong(queue) } }),
  enqueue: (options) => new Drover({ store }).enqueue(job, null, wrong(options)),
  "enqueue, unique": (unique) =>
    new Drover({ store }).enqueue(job, null, { unique: { key: "k", ...unique } }),
  transaction: (options) => new Drover({ store }).transaction(run, wrong(options)),
  result: (options) =>
    new Drover({ store }).job(new Drover({ store }).newId()).result(wrong(options)),
  retry: (options) => retry(run, wrong(options)),
  slots: (options) => new SlotPool({ limit: 1, ...options }),
  acquire: (options) => new SlotPool({ limit: 1 }).acquire(wrong(options)),
}

const byCaller: Readonly<Record<string, readonly string[]>> = {
  defineJob: [
    "queue",
    "priority",
    "retry",
    "timeout",
    "maxCrashes",
    "expireIn",
    "isolation",
    "tags",
    "metadata",
    "unique",
  ],
  "defineJob, retry": ["backoff", "base", "factor", "cap", "jitter", "maxAttempts", "delay"],
  schedule: ["timeZone", "missingHour", "catchUp", "lateAfter", "overlap", "jitter", "timeout"],
  work: ["stopGrace", "stuckAfter", "poll", "soloPatience", "stallLimit", "payloadLimit"],
  "work, lease": ["ttl", "beat", "margin"],
  "new Drover": ["retention", "maintenance", "generation", "payloadLimit", "actor", "deployment"],
  lead: ["ttl", "bid"],
  maintenance: ["sweep", "startTimeout", "statistics"],
  retention: ["completed", "discarded", "cancelled", "bytes"],
  queues: ["slots"],
  enqueue: [
    "runIn",
    "runAt",
    "expireIn",
    "timeout",
    "priority",
    "queue",
    "tags",
    "unique",
    "retry",
  ],
  "enqueue, unique": ["mode", "for", "states", "scope", "maxWait"],
  transaction: ["timeout"],
  result: ["timeout"],
  retry: ["deadline", "timeout", "maxAttempts"],
  slots: ["maxWaiting"],
  acquire: ["weight", "timeout"],
}
const all = Object.entries(byCaller).flatMap(([caller, names]) =>
  names.map((name) => [caller, name] as const),
)

test.each(all)("%s: null for %s is refused, it does not mean the default", async (caller, name) => {
  await expect(Promise.try(() => callers[caller]!({ [name]: null }))).rejects.toMatchObject({
    code: "DROVER_CONFIG",
    message: expect.stringContaining(name),
  })
})

test.each([
  ["defineJob", "timeout"],
  ["defineJob", "expireIn"],
  ["enqueue", "timeout"],
  ["enqueue", "expireIn"],
  ["schedule", "timeout"],
  ["retention", "completed"],
])("%s: where null for %s would mean none, the error says to write false", async (caller, name) => {
  await expect(Promise.try(() => callers[caller]!({ [name]: null }))).rejects.toThrow(
    /null is not a duration; write false for no limit/,
  )
})
