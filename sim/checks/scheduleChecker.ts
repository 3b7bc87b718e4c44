import type {
  Fenced,
  ScheduleChange,
  ScheduleDeployment,
  ScheduleDeploymentReply,
  ScheduleTickReply,
  ScheduleTicks,
  ScheduleTrigger,
} from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import { plannedAfter, schedulePlans } from "../workload/schedules.ts"
import type { SchedulePlan } from "../workload/schedules.ts"
import type { Checker } from "./checker.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

// A tick that came due so shortly before the end may still be on its way: jitter, and the longest wait for a look.
const GRACE_MS = 80_000

interface Account {
  readonly plan: SchedulePlan
  /** The planned instant that must come next; `null` before the schedule was made. */
  nextAt: number | null
}

/**
 * Every planned instant is accounted for once, in order: by a job, or by a reason why there is none. None comes before
 * its time, and no more jobs come at once than the policy for missed ticks allows.
 */
export class ScheduleChecker implements Checker {
  readonly name = "schedule"
  readonly #sometimes: Sometimes
  readonly #endAt: number
  readonly #storeAt: () => number
  /** A job with this id may come to be. */
  readonly #intends: (jobId: string) => void
  readonly #accounts: ReadonlyMap<string, Account> = new Map(
    schedulePlans.map((plan) => [plan.name, { plan, nextAt: null }]),
  )

  constructor(options: {
    readonly sometimes: Sometimes
    readonly endAt: number
    readonly storeAt: () => number
    readonly intends: (jobId: string) => void
  }) {
    this.#sometimes = options.sometimes
    this.#endAt = options.endAt
    this.#storeAt = options.storeAt
    this.#intends = options.intends
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op === "tickSchedules") {
      this.#ticked(call.args[0] as ScheduleTicks, reply as Fenced<readonly ScheduleTickReply[]>)
    } else if (call.op === "changeSchedule" && reply === "changed") {
      this.#changed(call.args[0] as ScheduleChange)
    } else if (call.op === "deploySchedules") {
      const { status } = reply as ScheduleDeploymentReply
      this.#sometimes.hit(`a deployment was ${status}`)
      if (status !== "applied") return
      for (const change of (call.args[0] as ScheduleDeployment).changes) this.#changed(change)
    } else if (call.op === "triggerSchedule") {
      this.#intends((call.args[0] as ScheduleTrigger).job.id)
    }
  }

  finished(): void {
    const untilAt = Math.min(this.#endAt, this.#storeAt() - GRACE_MS)
    for (const { plan, nextAt } of this.#accounts.values()) {
      if (nextAt === null) continue
      promise(
        nextAt > untilAt,
        this.name,
        () => `the tick of ${plan.name} at ${show(nextAt)} was never accounted for`,
      )
    }
  }

  #ticked({ ticks }: ScheduleTicks, reply: Fenced<readonly ScheduleTickReply[]>): void {
    if (reply === "term_ended") {
      this.#sometimes.hit("a tick of an ended term was refused")
      return
    }
    for (const { records } of ticks) for (const { job } of records) if (job) this.#intends(job.id)
    for (const { name, status, outcomes } of reply) {
      this.#sometimes.hit(`ticks were ${status}`)
      if (status !== "ticked") continue
      for (const { at, throughAt, job, reason } of outcomes) {
        this.#account(name, at, throughAt)
        this.#sometimes.hit(job === null ? `a tick was skipped: ${reason}` : "a tick became a job")
      }
      const made = outcomes.filter(({ job }) => job !== null).length
      const most = this.#accounts.get(name)?.plan.most ?? Number.POSITIVE_INFINITY
      promise(
        made <= most,
        this.name,
        () => `${made} ticks of ${name} became jobs at once, and ${most} are allowed`,
      )
    }
  }

  #changed({ name, version, patch, passed }: ScheduleChange): void {
    const account = this.#accounts.get(name)
    if (account === undefined) return
    if (version === null) account.nextAt = patch.nextAt ?? null
    for (const { at, throughAt, reason } of passed) {
      this.#account(name, at, throughAt)
      this.#sometimes.hit(`a change passed over ticks: ${reason}`)
    }
  }

  #account(name: string, at: number, throughAt: number): void {
    const account = this.#accounts.get(name)
    if (account === undefined) return
    const { plan, nextAt } = account
    promise(
      at === nextAt,
      this.name,
      () =>
        `the tick of ${name} at ${show(at)} was accounted for, and ${nextAt === null ? "none" : show(nextAt)} comes next`,
    )
    promise(
      throughAt >= at && plannedAfter(plan, throughAt - 1) === throughAt,
      this.name,
      () => `${name} has no tick at ${show(throughAt)}`,
    )
    const storeAt = this.#storeAt()
    promise(
      throughAt <= storeAt,
      this.name,
      () => `the tick of ${name} at ${show(throughAt)} came early: it is ${show(storeAt)}`,
    )
    account.nextAt = plannedAfter(plan, throughAt)
  }
}

function show(at: number): string {
  return new Date(at).toISOString()
}
