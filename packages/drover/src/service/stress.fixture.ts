import { assert, DroverError, Shutdown } from "../errors/index.ts"
import { randomBelow, SeededRng, systemClock } from "../time/index.ts"
import type { Rng } from "../time/index.ts"
import type { Startable } from "./service.ts"

/** A service under stress, and what the test can see of it from outside. */
export interface StressSubject {
  readonly service: Startable
  /** How many periods of it run now: things acquired and not given back. The rule is 0 or 1, never 2. */
  readonly alive: () => number
  /** Makes time pass, for services that wait on a clock moved by hand. */
  readonly turn?: () => void | Promise<void>
  /** Whether a start may fail with this, because the test makes it fail. @default no */
  readonly mayFailWith?: (error: unknown) => boolean
  /** Called when a seed is done. */
  readonly end?: () => void | Promise<void>
}

/** How long and how varied the stress is. */
export interface StressOptions {
  /** @default 100 */
  readonly seeds?: number
  /** The first seed: a failure names its own. @default 1 */
  readonly firstSeed?: number
  /** Calls and waits for each seed. @default 30 */
  readonly steps?: number
}

// How long a promise may stay open after the last call before it counts as hanging.
const PATIENCE_MS = 10_000

interface Pending {
  readonly call: "start" | "stop"
  readonly promise: Promise<void>
  settled: boolean
}

/**
 * Calls start and stop of fresh services in many random orders, awaited and not, and checks the contract:
 * never two periods at once; every call settles; a start rejects only with a stop's reason or an expected
 * failure; when everything is settled, the last call has decided; and afterwards it can be stopped and
 * started again.
 * @param make makes the service of a seed; it must not run yet.
 * @throws Error naming the seed.
 */
export async function startStopStress(
  make: (rng: Rng) => StressSubject | Promise<StressSubject>,
  options: StressOptions = {},
): Promise<void> {
  const { seeds = 100, firstSeed = 1, steps = 30 } = options
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    const rng = new SeededRng(seed)
    const subject = await make(rng.fork("subject"))
    try {
      await new Stress(subject, rng).run(steps)
    } catch (error) {
      throw new Error(`start/stop stress, seed ${seed}: ${String(error)}`, { cause: error })
    } finally {
      await subject.end?.()
    }
  }
}

class Stress {
  readonly #subject: StressSubject
  readonly #rng: Rng
  readonly #reasons: Set<unknown> = new Set()
  #pending: Pending[] = []
  #last: Pending | undefined
  #lastStartFailed = false

  constructor(subject: StressSubject, rng: Rng) {
    this.#subject = subject
    this.#rng = rng
  }

  async run(steps: number): Promise<void> {
    for (let i = 0; i < steps; i++) {
      await this.#step()
      this.#check()
    }
    await this.#settleAll()
    this.#checkLastCallDecided()
    this.#call("stop")
    await this.#settleAll()
    this.#checkLastCallDecided()
    await this.#startUntilItRuns()
    this.#call("stop")
    await this.#settleAll()
    this.#checkLastCallDecided()
  }

  async #step(): Promise<void> {
    switch (randomBelow(this.#rng, 7)) {
      case 0:
      case 1:
        this.#call("start")
        break
      case 2:
      case 3:
        this.#call("stop")
        break
      case 4:
        // A few promise callbacks only: the calls before are somewhere in their middle.
        for (let i = randomBelow(this.#rng, 6); i > 0; i--) await Promise.resolve()
        break
      case 5:
        await this.#turn()
        break
      default:
        await this.#settleAll()
    }
  }

  #call(call: "start" | "stop"): void {
    const { service } = this.#subject
    const pending: Pending = { call, promise: this.#made(call, service), settled: false }
    this.#pending.push(pending)
    this.#last = pending
    this.#lastStartFailed = false
    pending.promise.then(
      () => this.#resolved(pending),
      (error: unknown) => this.#rejected(pending, error),
    )
  }

  #made(call: "start" | "stop", service: Startable): Promise<void> {
    if (call === "start") return service.start()
    const reason = new Shutdown(`stop ${this.#reasons.size}`)
    this.#reasons.add(reason)
    return service.stop(reason)
  }

  #resolved(pending: Pending): void {
    pending.settled = true
    // What was called later may have changed it since.
    if (pending !== this.#last) return
    const alive = this.#subject.alive()
    this.#expect(
      alive === (pending.call === "start" ? 1 : 0),
      `${alive} alive after a ${pending.call}`,
    )
  }

  #rejected(pending: Pending, error: unknown): void {
    pending.settled = true
    const expected = this.#subject.mayFailWith?.(error) ?? false
    if (pending.call === "start" && expected && pending === this.#last) this.#lastStartFailed = true
    this.#expect(
      pending.call === "start" && (expected || this.#reasons.has(error)),
      `a ${pending.call} rejected with ${String(error)}`,
    )
    if (pending === this.#last && expected)
      this.#expect(this.#subject.alive() === 0, "a failed start left something alive")
  }

  // A broken rule is noticed in a callback, where nobody would see what is thrown: the next check throws it.
  #broken: string | undefined

  #expect(holds: boolean, what: string): void {
    if (!holds) this.#broken ??= what
  }

  #check(): void {
    const alive = this.#subject.alive()
    this.#expect(alive === 0 || alive === 1, `${alive} periods alive at once`)
    if (this.#broken !== undefined) throw new Error(this.#broken)
  }

  async #turn(): Promise<void> {
    await this.#subject.turn?.()
    await new Promise<void>((resolve) => systemClock.defer(resolve))
  }

  async #settleAll(): Promise<void> {
    const untilMono = systemClock.monotonic() + PATIENCE_MS
    while (this.#pending.some(({ settled }) => !settled)) {
      if (systemClock.monotonic() > untilMono) {
        const open = this.#pending.filter(({ settled }) => !settled).map(({ call }) => call)
        throw new Error(`never settled: ${open.join(", ")}`)
      }
      await this.#turn()
    }
    this.#pending = []
    this.#check()
  }

  #checkLastCallDecided(): void {
    if (this.#last === undefined) return
    const expected = this.#last.call === "start" && !this.#lastStartFailed ? 1 : 0
    const alive = this.#subject.alive()
    this.#expect(alive === expected, `the last call was ${this.#last.call}, and ${alive} are alive`)
    this.#check()
  }

  async #startUntilItRuns(): Promise<void> {
    // A subject whose starts fail at random succeeds sooner or later.
    for (let attempt = 0; attempt < 100; attempt++) {
      this.#call("start")
      await this.#settleAll()
      if (!this.#lastStartFailed) {
        this.#checkLastCallDecided()
        return
      }
    }
    assert(false, "a stressed service that fails every start shows nothing")
  }
}

/** An error for subjects that make their starts fail. */
export function plannedFailure(): DroverError {
  return new DroverError("DROVER_STORE_IO", "planned failure")
}
