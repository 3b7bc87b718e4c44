import { limitName, parseLimitName } from "../../packages/drover/src/store/index.ts"
import type {
  LimitDeclaration,
  LimitId,
  LimitSetting,
} from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import { LIMITED_QUEUE, LONGEST_WINDOW_MS } from "../workload/limits.ts"
import type { Checker } from "./checker.ts"
import type { HandlerRun, JobRecord, Move } from "./jobRecord.ts"
import { LimitModel } from "./limitModel.ts"
import { LoneClaim } from "./loneClaim.ts"
import type { Claim } from "./loneClaim.ts"
import type { Sometimes } from "./sometimes.ts"
import { promise } from "./violation.ts"

// On a healed machine a job that its limits allow does not wait so long beside a free slot: the slowest poll, and more.
const IDLE_MS = 45_000
// How long after the healing late replies and lost leases may still be in the way.
const RECOVERY_MS = 150_000

/** What the checker asks of the world. */
export interface LimitWorld {
  readonly nowMs: () => number
  readonly isHealed: () => boolean
  readonly storeAt: () => number
  readonly jobs: () => Iterable<JobRecord>
  /** Keys for which jobs stand aside, `undefined` while that cannot be read. */
  readonly marks: () => readonly { readonly limit: string; readonly key: string }[] | undefined
  readonly slots: number
}

/**
 * No attempt starts while as many run under one of its limits as it allows, or have started in the window; by the
 * setting in force at that instant, so that lowering kills nothing and is obeyed at once. And nothing that its limits
 * allow is left: by a claim that had slots for it, by a mark that nobody will clear, or for long on a healed machine.
 */
export class LimitChecker implements Checker {
  readonly name = "limits"
  readonly #sometimes: Sometimes
  readonly #world: LimitWorld
  readonly #model: LimitModel = new LimitModel()
  // What held a job back when somebody wanted to start it, by its seq.
  readonly #heldBack: Map<number, string> = new Map()
  // Who made room under a gate last.
  readonly #opened: Map<string, string> = new Map()
  readonly #processes: Map<object, Set<HandlerRun>> = new Map()
  readonly #claims: LoneClaim = new LoneClaim()
  #touched = false
  #healedMs: number | undefined
  #quietSinceMs = 0

  constructor(sometimes: Sometimes, world: LimitWorld) {
    this.#sometimes = sometimes
    this.#world = world
  }

  executed(call: StoreCall, reply: unknown): void {
    this.#claims.executed(call, reply)
    if (call.op === "declareLimits") this.#declared(call.args[0] as LimitDeclaration)
    if (call.op === "setLimit") {
      const [limit, setting] = call.args as [LimitId, LimitSetting | null]
      this.#set(limit, setting, reply as LimitSetting | null)
    }
  }

  moved(move: Move, before: JobRecord | null, after: JobRecord | null): void {
    const job = after ?? before
    if (job?.queue !== LIMITED_QUEUE) return
    this.#stir()
    if (move.from === "running") {
      for (const { name, key } of this.#model.gatesOf(job)) {
        this.#opened.set(`${name} ${key}`, move.actor === "rescue" ? "a rescue" : "a settle")
      }
      this.#model.ended(job.seq)
    }
    if (move.to === "running") this.#started(job, move.at)
  }

  deleted(before: JobRecord): void {
    this.#heldBack.delete(before.seq)
  }

  handlerStarted(run: HandlerRun): void {
    if (run.queue !== LIMITED_QUEUE) return
    const runs = this.#processes.get(run.life) ?? new Set()
    this.#processes.set(run.life, runs.add(run))
    this.#stir()
  }

  handlerEnded(run: HandlerRun): void {
    if (run.queue !== LIMITED_QUEUE) return
    this.#processes.get(run.life)?.delete(run)
    this.#stir()
  }

  settled(): void {
    const claim = this.#claims.settled()
    if (claim !== undefined) this.#judgeClaim(claim)
    if (this.#touched) this.#judgeMarks()
    if (this.#world.isHealed()) this.#judgeIdleness()
  }

  #declared(declaration: LimitDeclaration): void {
    if (declaration.limits.length === 0) return
    this.#model.declare(declaration)
    this.#stir()
  }

  #set(limit: LimitId, setting: LimitSetting | null, reply: LimitSetting | null): void {
    const name = limitName(limit)
    const before = this.#model.inForce(name)?.max ?? Infinity
    const now = this.#model.set(limit, setting)
    promise(
      now?.max === reply?.max && now?.perMs === reply?.perMs,
      this.name,
      () => `${name} is ${JSON.stringify(reply)} after it was set, not ${JSON.stringify(now)}`,
    )
    const max = now?.max ?? Infinity
    if (max !== before) {
      this.#sometimes.hit(max < before ? "a limit was lowered" : "a limit was raised")
    }
    if (max > before) {
      for (const gate of this.#heldBack.values()) {
        if (gate.startsWith(`${name} `)) this.#opened.set(gate, "an operator")
      }
    }
    this.#stir()
  }

  #started(job: JobRecord, at: number): void {
    for (const gate of this.#model.gatesOf(job)) {
      const { name, key, setting } = gate
      const used = this.#model.used(gate, at)
      const what = setting.perMs === null ? "run" : `started in ${setting.perMs} ms`
      promise(
        used < (setting.max ?? Infinity),
        this.name,
        () =>
          `job ${job.id} starts although ${used} ${what} under ${name} ${key}: it allows ${setting.max}`,
      )
    }
    this.#model.started(job, at)
    this.#model.forgetBefore(at - LONGEST_WINDOW_MS)
    const gate = this.#heldBack.get(job.seq)
    this.#heldBack.delete(job.seq)
    const opener = gate === undefined ? undefined : this.#opened.get(gate)
    if (opener !== undefined) this.#sometimes.hit(`a limit was opened by ${opener}`)
    else if (gate?.includes("#rate")) this.#sometimes.hit("a window got room")
  }

  /** A claim that got fewer than it asked for leaves nothing that might have started. */
  #judgeClaim({ request, reply: { claimed, heldBack = [] } }: Claim): void {
    const asked = request.claims.find(({ queue }) => queue === LIMITED_QUEUE)
    if (asked === undefined || request.solo) return
    const got = claimed.filter(({ queue }) => queue === LIMITED_QUEUE).length
    // Either shows that it looked at all: without a lease it does not.
    const hasLooked = claimed.length > 0 || heldBack.includes(LIMITED_QUEUE)
    if (!hasLooked || got >= asked.limit || request.repeat) return
    const at = this.#world.storeAt()
    for (const job of this.#world.jobs()) {
      if (job.state !== "available" || job.queue !== LIMITED_QUEUE || job.crashes > 0) continue
      const gate = this.#model.blocking(job, at)
      promise(
        gate !== undefined,
        this.name,
        () =>
          `a claim asked for ${asked.limit} and got ${got}, and left job ${job.id}, which no limit holds back`,
      )
      const id = `${gate.name} ${gate.key}`
      if (this.#heldBack.get(job.seq) !== id) this.#opened.delete(id)
      this.#heldBack.set(job.seq, id)
      const { type, by } = parseLimitName(gate.name)!
      this.#sometimes.hit(`a job was held back by ${by === null ? "" : "keyed "}${type}`)
    }
  }

  /** Who stands aside for a key does so only while the key has no room: nobody else would wake it. */
  #judgeMarks(): void {
    const marks = this.#world.marks()
    if (marks === undefined) return
    this.#touched = false
    for (const { limit, key } of marks) {
      const setting = this.#model.inForce(limit)
      const max = setting?.max ?? Infinity
      const used =
        setting === undefined
          ? 0
          : this.#model.used({ name: limit, key, setting }, this.#world.storeAt())
      promise(
        used >= max,
        this.name,
        () => `jobs stand aside for ${limit} ${key}, which allows ${max} and is used by ${used}`,
      )
    }
  }

  #judgeIdleness(): void {
    const nowMs = this.#world.nowMs()
    this.#healedMs ??= nowMs
    this.#quietSinceMs = Math.max(this.#quietSinceMs, this.#healedMs + RECOVERY_MS)
    if (nowMs - this.#quietSinceMs < IDLE_MS || !this.#hasFreeSlot()) return
    for (const job of this.#world.jobs()) {
      if (job.state !== "available" || job.queue !== LIMITED_QUEUE || job.crashes > 0) continue
      // All windows are empty after so long a quiet.
      const blocking = this.#model.blocking(job, Infinity)
      promise(
        blocking !== undefined,
        this.name,
        () =>
          `job ${job.id} waits for ${IDLE_MS} ms beside a free slot, and no limit holds it back`,
      )
    }
    this.#stir()
  }

  #hasFreeSlot(): boolean {
    for (const [life, runs] of this.#processes) {
      if ((life as HandlerRun["life"]).isDead) this.#processes.delete(life)
      else if (runs.size < this.#world.slots) return true
    }
    return false
  }

  #stir(): void {
    this.#touched = true
    this.#quietSinceMs = this.#world.nowMs()
  }
}
