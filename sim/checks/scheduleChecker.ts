import type { ScheduleEdit } from "drover"
import type {
  Fenced,
  ScheduleChange,
  ScheduleDeployment,
  ScheduleDeploymentReply,
  ScheduleTickReply,
  ScheduleTicks,
  ScheduleTrigger,
  TickOutcome,
} from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import { plannedAfter, schedulePlans, timingOfEdit } from "../workload/schedules.ts"
import type { SchedulePlan, TimingPlan } from "../workload/schedules.ts"
import type { Checker } from "./checker.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

// A tick that came due so shortly before the end may still be on its way: jitter, and the longest wait for a look.
const GRACE_MS = 80_000

interface Account {
  readonly plan: SchedulePlan
  /** What operators made of its timing, or the plan itself. */
  timing: TimingPlan
  /** The planned instant that must come next; `null` before the schedule was made. */
  nextAt: number | null
  /** Store time of the last write that named it: whoever writes next has read it since. */
  touchedAt: number
  /** The planned instant of the tick that waits for the former job to end. */
  heldAt: number | null
  /** The job of the latest tick that became one. */
  formerJob: string | null
}

// What became of a tick whose schedule must not overlap.
interface Turn {
  readonly name: string
  readonly at: number
  readonly formerJob: string
  readonly wasUnfinished: boolean
  readonly isJob: boolean
}

/**
 * Every planned instant is accounted for once, in order: by a job, or by a reason why there is none. None comes before
 * its time, and no more jobs come at once than the policy for missed ticks allows. A schedule that is given another
 * timing goes over to it at one instant: what the old one had planned until then is accounted for, and the first tick
 * of the new one comes next. Where ticks must not overlap, none becomes a job beside the former one, none stands aside
 * for a job that has ended, and at most one waits, until it becomes a job.
 */
export class ScheduleChecker implements Checker {
  readonly name = "schedule"
  readonly #sometimes: Sometimes
  readonly #endAt: number
  readonly #storeAt: () => number
  /** A job with this id may come to be. */
  readonly #intends: (jobId: string) => void
  /** Whether a job is there that waits or runs, as of the last look. */
  readonly #isUnfinished: (jobId: string) => boolean
  #turns: Turn[] = []
  readonly #accounts: ReadonlyMap<string, Account> = new Map(
    schedulePlans.map((plan) => {
      const nothing = { nextAt: null, touchedAt: 0, heldAt: null, formerJob: null }
      return [plan.name, { plan, timing: plan, ...nothing }]
    }),
  )

  constructor(options: {
    readonly sometimes: Sometimes
    readonly endAt: number
    readonly storeAt: () => number
    readonly intends: (jobId: string) => void
    readonly isUnfinished: (jobId: string) => boolean
  }) {
    this.#sometimes = options.sometimes
    this.#endAt = options.endAt
    this.#storeAt = options.storeAt
    this.#intends = options.intends
    this.#isUnfinished = options.isUnfinished
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

  settled(): void {
    if (this.#turns.length === 0) return
    // What else happened in this event may have come before the tick or after it.
    for (const { name, at, formerJob, wasUnfinished, isJob } of this.#turns) {
      const isUnfinished = this.#isUnfinished(formerJob)
      promise(
        isJob ? !(wasUnfinished && isUnfinished) : wasUnfinished || isUnfinished,
        this.name,
        () =>
          `the tick of ${name} at ${show(at)} ${isJob ? "became a job beside" : "stood aside for"} job ${formerJob}, which has ${isJob ? "not " : ""}ended`,
      )
    }
    this.#turns = []
  }

  finished(): void {
    const untilAt = Math.min(this.#endAt, this.#storeAt() - GRACE_MS)
    for (const { plan, nextAt, heldAt } of this.#accounts.values()) {
      if (nextAt === null) continue
      promise(
        heldAt === null,
        this.name,
        () => `the tick of ${plan.name} at ${show(heldAt!)} waits although everything has ended`,
      )
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
    for (const { records, release } of ticks) {
      for (const { job } of records) if (job) this.#intends(job.id)
      if (release !== null) this.#intends(release.job.id)
    }
    for (const [index, { name, status, outcomes }] of reply.entries()) {
      this.#sometimes.hit(`ticks were ${status}`)
      if (status !== "ticked") continue
      const account = this.#accounts.get(name)
      const releaseAt = ticks[index]!.release?.at
      for (const outcome of outcomes) {
        const { at, throughAt, job, reason } = outcome
        if (at === releaseAt) this.#released(account, at)
        else this.#account(name, at, throughAt)
        if (account !== undefined) this.#judgeOverlap(account, outcome)
        this.#sometimes.hit(job === null ? `a tick was skipped: ${reason}` : "a tick became a job")
      }
      if (account !== undefined) account.touchedAt = this.#storeAt()
      const made = outcomes.filter(({ job }) => job !== null).length
      const most = account?.plan.most ?? Number.POSITIVE_INFINITY
      promise(
        made <= most,
        this.name,
        () => `${made} ticks of ${name} became jobs at once, and ${most} are allowed`,
      )
    }
  }

  #released(account: Account | undefined, at: number): void {
    promise(
      account?.heldAt === at,
      this.name,
      () => `the tick of ${account?.plan.name} at ${show(at)} went on, which did not wait`,
    )
    account.heldAt = null
    this.#sometimes.hit("a tick that waited became a job")
  }

  #judgeOverlap(account: Account, { at, job, reason }: TickOutcome): void {
    const { plan, formerJob } = account
    const standsAside = reason === "overlap" || reason === "held"
    if (plan.overlap !== "allow" && formerJob !== null && (job !== null || standsAside)) {
      const wasUnfinished = this.#isUnfinished(formerJob)
      this.#turns.push({ name: plan.name, at, formerJob, wasUnfinished, isJob: job !== null })
    }
    if (standsAside) {
      const mayWait = plan.overlap === "queue-one" && account.heldAt === null
      promise(
        mayWait === (reason === "held") && plan.overlap !== "allow" && formerJob !== null,
        this.name,
        () =>
          `the tick of ${plan.name} at ${show(at)} is "${reason}", while ${account.heldAt === null ? "none waits" : `that of ${show(account.heldAt)} waits`}`,
      )
    }
    if (reason === "held") account.heldAt = at
    if (job !== null) account.formerJob = job.id
  }

  #changed({ name, version, action, detail, patch, passed }: ScheduleChange): void {
    const account = this.#accounts.get(name)
    if (account === undefined) return
    if (version === null) {
      account.nextAt = patch.nextAt ?? null
      account.touchedAt = this.#storeAt()
      return
    }
    for (const { at, throughAt, reason } of passed) {
      this.#account(name, at, throughAt)
      this.#sometimes.hit(`a change passed over ticks: ${reason}`)
    }
    const timing =
      action === "reset"
        ? account.plan
        : action === "edited"
          ? timingOfEdit(JSON.parse(detail ?? "{}") as ScheduleEdit)
          : undefined
    this.#goOver(account, timing ?? account.timing, patch.nextAt)
    account.touchedAt = this.#storeAt()
  }

  /** @param givenAt the next tick as the change puts it; `undefined` leaves it where it is. */
  #goOver(account: Account, timing: TimingPlan, givenAt: number | null | undefined): void {
    const { plan, timing: before, nextAt, touchedAt } = account
    const isRetimed = before.everyMs !== timing.everyMs || before.offsetMs !== timing.offsetMs
    if (isRetimed) this.#sometimes.hit("a schedule was given another timing")
    if ((givenAt === undefined && !isRetimed) || nextAt === null) return
    // The change takes effect at an instant after it was read and before it was written. Until then the old timing holds.
    const firstAt = givenAt ?? plannedAfter(timing, this.#endAt)
    const fromAt = Math.max(plannedAfter(timing, firstAt - timing.everyMs - 1), touchedAt)
    promise(
      givenAt !== undefined &&
        plannedAfter(timing, firstAt - 1) === firstAt &&
        [firstAt, nextAt].every((at) => fromAt < at || at > this.#endAt) &&
        fromAt <= this.#storeAt(),
      this.name,
      () =>
        `${plan.name} goes on ${givenAt === undefined ? "as before" : `at ${show(firstAt)}`} with every ${timing.everyMs} ms, after every ${before.everyMs} ms with ${show(nextAt)} next; it is ${show(this.#storeAt())}`,
    )
    account.timing = timing
    account.nextAt = firstAt
  }

  #account(name: string, at: number, throughAt: number): void {
    const account = this.#accounts.get(name)
    if (account === undefined) return
    const { timing, nextAt } = account
    promise(
      at === nextAt,
      this.name,
      () =>
        `the tick of ${name} at ${show(at)} was accounted for, and ${nextAt === null ? "none" : show(nextAt)} comes next`,
    )
    promise(
      throughAt >= at && plannedAfter(timing, throughAt - 1) === throughAt,
      this.name,
      () => `${name} has no tick at ${show(throughAt)}`,
    )
    const storeAt = this.#storeAt()
    promise(
      throughAt <= storeAt,
      this.name,
      () => `the tick of ${name} at ${show(throughAt)} came early: it is ${show(storeAt)}`,
    )
    account.nextAt = plannedAfter(timing, throughAt)
  }
}

function show(at: number): string {
  return new Date(at).toISOString()
}
