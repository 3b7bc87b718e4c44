/**
 * The store seam: what a database must do for Drover, and the shapes that pass through it. No SQL here.
 * `sqlite/` and `postgres/` implement `Store`; `conformance` proves that they mean the same.
 */
export type {
  AttemptRef,
  ClaimedJob,
  JobRef,
  Settlement,
  SettleRequest,
  SettleStatus,
} from "./attempt.ts"
export type {
  ClaimRequest,
  EndedJob,
  ExchangeReply,
  ExchangeRequest,
  PeekReply,
  PeekRequest,
  QueueSettings,
  WorkerRef,
} from "./exchange.ts"
export type { JobLog, JobProgress, JobRow, LogLine, StoredError, TrailEntry } from "./jobRow.ts"
export { FailureReport, wasReported } from "./failureReport.ts"
export {
  finalStates,
  isFinal,
  isWaiting,
  jobStates,
  mayMove,
  stateCode,
  waitingStates,
} from "./jobState.ts"
export type { JobState } from "./jobState.ts"
export { keysText, keysWithout, readKeys } from "./jobKeys.ts"
export type { JobKeys } from "./jobKeys.ts"
export { judgeLeader } from "./leaderHealth.ts"
export { limitName, parseLimitName } from "./limitStore.ts"
export type {
  DeclaredLimit,
  LimitDeclaration,
  LimitId,
  LimitKeyRow,
  LimitRepairs,
  LimitRow,
  LimitScope,
  LimitSetting,
  LimitStore,
  LimitType,
  NewKey,
} from "./limitStore.ts"
export { judgeMaintenance, maintenanceInfo } from "./maintenanceHealth.ts"
export { judgeMove } from "./moveHealth.ts"
export { ownFile } from "./ownFile.ts"
export { movePartNames, moveParts, oneSpelling, plainParts, tablesMade } from "./moveStore.ts"
export type {
  MoveNote,
  MovePage,
  MovePart,
  MoveProgress,
  MoveRow,
  MoveStore,
  PlainPart,
  TablesMade,
} from "./moveStore.ts"
export type { EnqueueOutcome, NewJob, NewUnique, UniqueMode } from "./newJob.ts"
export type {
  BidReply,
  BidRequest,
  Candidate,
  CleanReply,
  Fenced,
  IndexWork,
  LeaderRow,
  LeadershipStore,
  QueueSample,
  TermRef,
  Turn,
} from "./leadershipStore.ts"
export { decodePayload, defaultPayloadLimit, encodePayload, maxPayloadDepth } from "./payload.ts"
export type { JsonValue } from "./payload.ts"
export { maxLogBytes, maxLogLines, maxProgressBytes } from "./reportLimits.ts"
export type { ActionReply, JobAction, JobPage, JobPatch, JobSelection } from "./selection.ts"
export { keptTicks } from "./scheduleStore.ts"
export type {
  DueSchedules,
  HistoryPage,
  OverlapPolicy,
  ScheduleChange,
  ScheduleChangeReply,
  ScheduleChangeRow,
  ScheduleDeployment,
  ScheduleDeploymentReply,
  SchedulePatch,
  ScheduleRow,
  ScheduleStore,
  ScheduleTick,
  ScheduleTickReply,
  ScheduleTicks,
  ScheduleTrigger,
  TickOutcome,
  TickRecord,
  TickRow,
} from "./scheduleStore.ts"
export { describeError, reviveError } from "./storedError.ts"
export type {
  BeatThread,
  BeatThreadOptions,
  FinishedJob,
  NewWorker,
  OpenOptions,
  Store,
  StoreEnvironment,
  StoreSource,
  StoreTransaction,
} from "./store.ts"
export type {
  ExpiredJob,
  HealthCheck,
  MigrationStatus,
  PruneReply,
  QueueCounts,
  RescuedJob,
  RescueRequest,
  Retention,
  WorkerRow,
} from "./upkeep.ts"
