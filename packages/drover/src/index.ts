/**
 * Drover: background jobs on the database that the program already has. `drover/sqlite` names the
 * database, `drover/testing` is the test kit, `drover/retry` and `drover/slots` are useful alone.
 */
export {
  Cancelled,
  DroverError,
  errorCodes,
  isDroverError,
  LeaseLost,
  Shutdown,
  TermEnded,
  Timeout,
} from "./errors/index.ts"
export type { AbortReason, DroverErrorCode, DroverErrorOptions } from "./errors/index.ts"
export { Events, logEvents } from "./events/index.ts"
export type {
  AnyEventListener,
  AttemptEvent,
  DroverEvents,
  EventListener,
  EventName,
  EventReason,
  JobEvent,
  Logger,
  LogLevel,
  NextEventOptions,
  Unsubscribe,
} from "./events/index.ts"
export { defineConfig, Drover } from "./client/index.ts"
export type {
  ActionOptions,
  ActionReport,
  ActionTarget,
  ClientEnqueueOptions,
  DroverOptions,
  JobFilter,
  JobList,
  LeaderView,
  LeadOptions,
  LimitChange,
  LimitView,
  MaintenanceOptions,
  OnMaintenanceStart,
  QueueOptions,
  QueueStatistics,
  QueueView,
  RetentionOptions,
  Transaction,
  WorkerView,
  WorkOptions,
} from "./client/index.ts"
export type { InputArguments } from "./jobs/define/inputArguments.ts"
export type { JobContext, JobFacts, JobLogger, JobLogMethod } from "./jobs/define/jobContext.ts"
export { defineJob } from "./jobs/define/jobDefinition.ts"
export type {
  InputOf,
  InputSettings,
  Isolation,
  JobDefinition,
  JobSettings,
  ResultOfJob,
} from "./jobs/define/jobDefinition.ts"
export type { JobEdit } from "./jobs/define/jobEdit.ts"
export type {
  ConcurrencyOptions,
  FairOptions,
  LimitKey,
  LimitSettings,
  RateOptions,
} from "./jobs/define/limitOptions.ts"
export type { FollowOptions } from "./jobs/define/jobFollower.ts"
export type { ActionOutcome, JobHandle } from "./jobs/define/jobHandle.ts"
export type { Job, StoredLog, StoredLogLine, Transition } from "./jobs/define/jobView.ts"
export type { JobRetryOptions, RetryIf } from "./jobs/define/jobRetry.ts"
export type { EnqueueOptions } from "./jobs/define/newJobs.ts"
export { cancel, discard, retryIn, snooze } from "./jobs/define/outcome.ts"
export type { Cancel, Discard, Outcome, ResultOf, RetryIn, Snooze } from "./jobs/define/outcome.ts"
export type { EnqueueItem } from "./jobs/define/producer.ts"
export type { ResultOptions } from "./jobs/define/resultWaiter.ts"
export type { InferInput, InferOutput, StandardSchemaV1 } from "./jobs/define/standardSchema.ts"
export type { KindUnique, UniqueKey, UniqueOptions } from "./jobs/define/uniqueOptions.ts"
export type { RunningAttempt, Worker } from "./jobs/work/worker.ts"
export type { WorkerOptions } from "./jobs/work/workerOptions.ts"
export type { MaintenanceStart, SingletonService, SingletonStart } from "./maintenance/index.ts"
export type { RetryPolicyOptions } from "./retry/index.ts"
export { schedule } from "./schedules/index.ts"
export type {
  CatchUpPolicy,
  DoubledHour,
  HistoryOptions,
  MissingHour,
  ScheduleChangeView,
  ScheduleDefinition,
  ScheduleEdit,
  ScheduleJobOptions,
  ScheduleOptions,
  ScheduleRules,
  Schedules,
  ScheduleStatus,
  ScheduleTimingOptions,
  ScheduleView,
  TickView,
} from "./schedules/index.ts"
export { finalStates, jobStates, waitingStates } from "./store/index.ts"
export type {
  HealthCheck,
  JobState,
  LimitKeyRow,
  LimitSetting,
  MigrationStatus,
  QueueSettings,
  StoredError,
  StoreSource,
  UniqueMode,
} from "./store/index.ts"
export type { Clock, Duration, Rng } from "./time/index.ts"
