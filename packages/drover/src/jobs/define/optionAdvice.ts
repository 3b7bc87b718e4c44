import { retryPolicyOptionNames } from "../../retry/index.ts"

/*
 * What people write who come from another queue, or who look for an option in the other of two places: the nearest
 * name would often be a wrong one ("delay" is like "retry").
 */

const inRetry = Object.fromEntries(
  [
    ...retryPolicyOptionNames,
    ...["attempts", "max_attempts", "maxRetries", "retries", "retryLimit", "retryPolicy"],
  ].map((name) => [name, "it belongs in retry, as in retry: { maxAttempts: 3 }"]),
)

const ofEnqueue = Object.fromEntries(
  ["runIn", "runAt", "keys", "id", "transaction"].map((name) => [name, "give it to each enqueue"]),
)

const ofKind = Object.fromEntries(
  [
    ...["input", "output", "run", "concurrency", "rate", "fair", "isolation", "module", "retryIf"],
  ].map((name) => [name, "it belongs to the kind, in defineJob()"]),
)

const kept = Object.fromEntries(
  ["removeOnComplete", "removeOnFail", "keepJobs"].map((name) => [
    name,
    "finished jobs stay as long as the client's retention says",
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
  ...kept,
  retryIf: "it belongs in retry, as in retry: { retryIf: (error) => … }",
  startToCloseTimeout: "write timeout",
  scheduleToStartTimeout: "write expireIn",
  heartbeatTimeout: "the worker beats for all of its jobs; write timeout for the longest attempt",
  limiter: 'write rate: { limit: 100, per: "1m" }',
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
  ...kept,
  delay: later,
  scheduleIn: later,
  schedule_in: later,
  startDelay: later,
  startAfter: later,
  scheduledAt: later,
  jobId: once,
  deduplication: once,
  workflowId: once,
  debounce: 'write unique: { key, mode: "debounce" }',
  throttle: 'write unique: { key, mode: "throttle", for }',
  jobKey: once,
  singletonKey: once,
  uniqueKey: once,
  cron: recurring,
  every: recurring,
  repeat: recurring,
}

/** For what `unique` does not know. */
export const uniqueAdvice: Readonly<Record<string, string>> = {
  id: "write key",
  keys: "write key: one text, made of what has to be the same",
  ttl: "write for",
  period: "write for",
  replace: 'write mode: "replace"',
}

/** For what limits do not know. */
export const limitAdvice: Readonly<Record<string, string>> = {
  max: "write limit",
  duration: "write per",
  window: "write per",
  groupKey: "write key: (input) => …",
}
