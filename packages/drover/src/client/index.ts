/**
 * The client: what users import. It puts the rooms together; nothing below knows it.
 */
export type {
  JobList,
  LeaderView,
  QueueStatistics,
  QueueView,
  WorkerView,
} from "./administration.ts"
export { DEFAULT_LIMIT } from "./bulkAction.ts"
export type { ActionOptions, ActionReport, ActionTarget } from "./bulkAction.ts"
export { defineConfig } from "./defineConfig.ts"
export { Drover } from "./drover.ts"
export type { ClientEnqueueOptions } from "./drover.ts"
export type { DroverOptions, QueueOptions } from "./droverOptions.ts"
export type {
  LeadOptions,
  MaintenanceOptions,
  OnMaintenanceStart,
  RetentionOptions,
} from "./leadOptions.ts"
export type { LimitChange, LimitView } from "./limitAdministration.ts"
export type { JobFilter } from "./jobFilter.ts"
export type { Transaction } from "./transaction.ts"
export type { WorkOptions } from "./workOptions.ts"
