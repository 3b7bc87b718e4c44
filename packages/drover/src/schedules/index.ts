/**
 * Schedules: recurring entries that become jobs.
 *
 * A schedule is a row: when it is due, what its job is, and a pointer to the planned instant that comes next. `schedule`
 * declares one in code; operators make and change them at run time. What code declares and what operators decide are
 * kept apart, field by field, so that neither undoes the other (`scheduleSettings`).
 *
 * `timing/` finds planned instants: wall-clock expressions in any zone with explicit policies for hours that are missing
 * or doubled, and intervals that never drift. `passing` accounts for every instant from the pointer to now, by the
 * schedule's policy for missed ones. `ticker` is the service of the leader that writes them: jobs, lines of history and
 * pointer in one fenced transaction, so that a leader that is lost at any point loses and doubles none.
 *
 * `deployment` compares what a program declares with what is stored; the store numbers configurations, so that an older
 * process that starts again neither brings back nor retires anything. `schedules` is what the client offers.
 */
export { planRelease, planTick } from "./planTick.ts"
export { isScheduleDefinition, schedule } from "./schedule.ts"
export type {
  ScheduleDefinition,
  ScheduleJobOptions,
  ScheduleOptions,
  ScheduleTimingOptions,
} from "./schedule.ts"
export type { ScheduleEdit } from "./scheduleEdit.ts"
export { Schedules } from "./schedules.ts"
export type { HistoryOptions } from "./schedules.ts"
export type { CatchUpPolicy } from "./scheduleSettings.ts"
export type {
  ScheduleChangeView,
  ScheduleRules,
  ScheduleStatus,
  ScheduleView,
  TickView,
} from "./scheduleView.ts"
export { scheduleTicker } from "./ticker.ts"
export type { DoubledHour, MissingHour } from "./timing/nextInstant.ts"
