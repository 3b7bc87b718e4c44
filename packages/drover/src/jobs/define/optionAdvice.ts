import { retryPolicyOptionNames } from "../../retry/index.ts"

/*
 * What people write who come from another queue, or who look for an option in the other of two places: the nearest
 * name would often be a wrong one ("delay" is like "retry").
 */

const inRetry = Object.fromEntries(
  [...retryPolicyOptionNames, "attempts", "maxRetries", "retries", "retryLimit"].map((name) => [
    name,
    "it belongs in retry, as in retry: { maxAttempts: 3 }",
  ]),
)

const ofEnqueue = Object.fromEntries(
  ["runIn", "runAt", "keys", "id", "transaction"].map((name) => [name, "give it to each enqueue"]),
)

const ofKind = Object.fromEntries(
  ["input", "output", "run", "concurrency", "rate", "fair", "isolation", "module"].map((name) => [
    name,
    "it belongs to the kind, in defineJob()",
  ]),
)

const later = "write runIn (a wait) or runAt (an instant)"
const once = 'write unique: "some key"'
const recurring = "make a schedule() of the job, or drover.schedules.create()"
const handler = "the handler is called run"

/** For what `defineJob` does not know. */
export const defineAdvice: Readonly<Record<string, string>> = {
  ...ofEnqueue,
  ...inRetry,
  handler,
  perform: handler,
  process: handler,
  schema: "the schema is called input",
  slots: "slots are of a queue: new Drover({ queues: { media: { slots: 4 } } })",
  cron: recurring,
  every: recurring,
}

/** For what an enqueue does not know. */
export const enqueueAdvice: Readonly<Record<string, string>> = {
  ...ofKind,
  ...inRetry,
  delay: later,
  startAfter: later,
  scheduledAt: later,
  jobId: once,
  jobKey: once,
  singletonKey: once,
  uniqueKey: once,
  cron: recurring,
  every: recurring,
  repeat: recurring,
}
