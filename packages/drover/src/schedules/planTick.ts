import type { ScheduleRow, ScheduleTick, TickRecord } from "../store/index.ts"
import { passDue } from "./passing.ts"
import { settingsOf, timingOf } from "./scheduleSettings.ts"
import { jobOfTick } from "./tickJob.ts"

/** Makes ids of jobs. */
export interface Ids {
  next(): string
}

/**
 * What the ticker writes about a schedule that is due: a job for each instant that runs, a line for those that do not,
 * and the pointer behind them.
 * @throws whatever is wrong with the schedule; only this one is concerned.
 */
export function planTick(row: ScheduleRow, now: number, ids: Ids): ScheduleTick {
  const settings = settingsOf(row)
  const timing = timingOf(row, settings)
  const { passed, nextAt, fireAt } = passDue({ row, settings, timing, now })
  const records = passed.map(({ runs, ...record }): TickRecord => {
    const job = runs ? jobOfTick(row.name, settings, { id: ids.next(), at: record.at }) : null
    return { ...record, job }
  })
  const { name, version } = row
  const { overlap } = settings
  return { name, version, records, overlap, nextAt, fireAt, release: null, failure: null }
}

/** What the ticker writes when the former job of a held tick has ended: its job. The pointer stays. */
export function planRelease(row: ScheduleRow, ids: Ids): ScheduleTick {
  const settings = settingsOf(row)
  const at = row.heldAt ?? Number.NaN
  const job = jobOfTick(row.name, settings, { id: ids.next(), at })
  return { ...standing(row), overlap: settings.overlap, release: { at, job } }
}

/** What the ticker writes about a schedule that cannot go on: why, and nothing else. */
export function planFailure(row: ScheduleRow, failure: string): ScheduleTick {
  return { ...standing(row), fireAt: null, failure }
}

function standing({ name, version, nextAt, fireAt }: ScheduleRow): ScheduleTick {
  const overlap = "allow"
  return { name, version, records: [], overlap, nextAt, fireAt, release: null, failure: null }
}
