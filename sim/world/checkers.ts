import { isFinal } from "../../packages/drover/src/store/index.ts"
import type { Retention } from "../../packages/drover/src/store/index.ts"
import { BudgetChecker } from "../checks/budgetChecker.ts"
import { CancelChecker } from "../checks/cancelChecker.ts"
import type { Checker } from "../checks/checker.ts"
import { ClockChecker } from "../checks/clockChecker.ts"
import { DueChecker } from "../checks/dueChecker.ts"
import { FenceChecker } from "../checks/fenceChecker.ts"
import type { Ledger } from "../checks/ledger.ts"
import { LeadershipChecker } from "../checks/leadershipChecker.ts"
import { LimitChecker } from "../checks/limitChecker.ts"
import { LockstepChecker } from "../checks/lockstepChecker.ts"
import { LossChecker } from "../checks/lossChecker.ts"
import { OverlapChecker } from "../checks/overlapChecker.ts"
import { PauseChecker } from "../checks/pauseChecker.ts"
import { PromptChecker } from "../checks/promptChecker.ts"
import { RescueChecker } from "../checks/rescueChecker.ts"
import { ScheduleChecker } from "../checks/scheduleChecker.ts"
import { SlotsChecker } from "../checks/slotsChecker.ts"
import type { Sometimes } from "../checks/sometimes.ts"
import { SpinChecker } from "../checks/spinChecker.ts"
import { StopChecker } from "../checks/stopChecker.ts"
import { TurnChecker } from "../checks/turnChecker.ts"
import { TrailChecker } from "../checks/trailChecker.ts"
import { UniqueChecker } from "../checks/uniqueChecker.ts"
import { LIMITED_QUEUE } from "../workload/limits.ts"
import { queueSlots } from "../workload/plan.ts"
import { Recorder } from "./recorder.ts"

/** All checkers of a run, and those that the world itself tells something. */
export interface Checkers {
  readonly all: readonly Checker[]
  readonly loss: LossChecker
  readonly stop: StopChecker
  readonly prompt: PromptChecker
  readonly leadership: LeadershipChecker
}

/** Makes the checkers of one run. */
export function makeCheckers(options: {
  readonly sometimes: Sometimes
  readonly retention: Retention
  readonly nowMs: () => number
  readonly isHealed: () => boolean
  readonly ledger: () => Ledger
  /** No tick is planned after this store time. */
  readonly scheduleEndAt: number
  readonly herdOf: (jobId: string) => number | undefined
  readonly note: (who: string, what: string) => void
}): Checkers {
  const { sometimes, retention, nowMs, isHealed, ledger, scheduleEndAt, herdOf, note } = options
  const loss = new LossChecker(sometimes, retention, ledger)
  const stop = new StopChecker(sometimes, () => ledger().jobs, nowMs)
  const prompt = new PromptChecker(nowMs)
  const leadership = new LeadershipChecker(sometimes, nowMs)
  const all: Checker[] = [
    new Recorder(sometimes, note),
    new TrailChecker(),
    new ClockChecker(nowMs),
    new FenceChecker(sometimes),
    new BudgetChecker(),
    new SlotsChecker(queueSlots, nowMs),
    new UniqueChecker(sometimes),
    new CancelChecker(sometimes),
    new PauseChecker(),
    new RescueChecker(sometimes, nowMs),
    loss,
    new OverlapChecker(sometimes, nowMs),
    new DueChecker(sometimes),
    new LockstepChecker(sometimes, herdOf),
    stop,
    prompt,
    leadership,
    new ScheduleChecker({
      sometimes,
      endAt: scheduleEndAt,
      storeAt: () => ledger().storeAt(),
      intends: (jobId) => loss.intends(jobId),
      isUnfinished: (jobId) => {
        const job = ledger().get(jobId)
        return job !== undefined && !isFinal(job.state)
      },
    }),
    new SpinChecker(nowMs),
    new TurnChecker(sometimes, () => ledger().jobs),
    new LimitChecker(sometimes, {
      nowMs,
      isHealed,
      storeAt: () => ledger().storeAt(),
      jobs: () => ledger().jobs,
      marks: () => ledger().marks(),
      slots: queueSlots.get(LIMITED_QUEUE)!,
    }),
  ]
  return { all, loss, stop, prompt, leadership }
}
