import { closeSync, openSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Pause } from "../../packages/drover/crash/history.ts"
import { Program } from "../../packages/drover/crash/program.ts"
import type { Death } from "../../packages/drover/crash/program.ts"
import { randomBelow, systemClock } from "../../packages/drover/src/time/index.ts"
import type { Rng } from "../../packages/drover/src/time/index.ts"
import { startFresh } from "./freshPid.ts"
import type { Reaper } from "./reaper.ts"
import { planEnvironment } from "./workerPlan.ts"
import type { WorkerCommand, WorkerPlan } from "./workerPlan.ts"

const PROGRAM = fileURLToPath(new URL("../programs/worker.ts", import.meta.url))
// The machine may be busy with others.
const START_MS = 90_000
const STOP_MS = 20_000
const LAST_WORDS = 2_000

/** A process of the fleet that is at work. */
export interface Member {
  readonly name: string
  readonly pid: number
  readonly program: Program
}

/** The worker processes, each started anew soon after it ended, as under a supervisor. */
export class Fleet {
  readonly deaths: Death[] = []
  readonly pauses: Pause[] = []
  readonly #plans: readonly WorkerPlan[]
  readonly #reaper: Reaper
  readonly #rng: Rng
  readonly #onReady: (member: Member) => void
  readonly #members: Map<string, Member> = new Map()
  /** Of all that were ever started. */
  readonly #pids: Set<number> = new Set()
  readonly #ready: Set<number> = new Set()
  readonly #paused: Set<number> = new Set()
  readonly #calmed: Set<number> = new Set()
  readonly #ends = new AbortController()
  #keepers: Promise<void>[] = []
  #calm = false

  constructor(parts: {
    readonly plans: readonly WorkerPlan[]
    readonly reaper: Reaper
    readonly rng: Rng
    onReady(member: Member): void
  }) {
    this.#plans = parts.plans
    this.#reaper = parts.reaper
    this.#rng = parts.rng
    this.#onReady = parts.onReady
  }

  /** Starts all of them and waits until they work. @throws when one does not, saying what it wrote. */
  async start(): Promise<void> {
    this.#keepers = this.#plans.map((plan) => this.#keep(plan))
    const endMono = systemClock.monotonic() + START_MS
    while (this.ready().length < this.#plans.length) {
      this.#ends.signal.throwIfAborted()
      const failed = this.deaths.find(({ code }) => code !== null && code !== 0)
      if (failed !== undefined || systemClock.monotonic() > endMono)
        throw new Error(`the fleet did not start:\n${this.#lastWords()}`)
      await systemClock.sleep(50)
    }
  }

  /** Those that have said that they work, and are not paused. */
  ready(): readonly Member[] {
    return [...this.#members.values()].filter(
      ({ pid }) => this.#ready.has(pid) && !this.#paused.has(pid),
    )
  }

  /** Whether all work, and have said that they write no more jobs. */
  isCalm(): boolean {
    const ready = this.ready()
    return ready.length === this.#plans.length && ready.every(({ pid }) => this.#calmed.has(pid))
  }

  /** Any of those. @param but not this process. */
  one(but?: number): Member | undefined {
    const ready = this.ready().filter(({ pid }) => pid !== but)
    return ready[randomBelow(this.#rng, Math.max(1, ready.length))]
  }

  /** Stops a process by a signal until something has happened. */
  async pause({ program, pid }: Member, until: () => Promise<void>): Promise<void> {
    const from = { fromAt: systemClock.now(), fromMono: systemClock.monotonic() }
    this.#paused.add(pid)
    program.signal("SIGSTOP")
    try {
      await until()
    } finally {
      this.pauses.push({ pid, ...from, toMono: systemClock.monotonic() })
      program.signal("SIGCONT")
      this.#paused.delete(pid)
    }
  }

  /** Lets nobody write more jobs, also those that are started later. */
  calm(): void {
    this.#calm = true
    this.tell({ do: "calm" })
  }

  tell(command: WorkerCommand): void {
    for (const { program } of this.#members.values()) program.tell(command)
  }

  /** Ends all by SIGTERM. @returns those that did not end cleanly, in words. */
  async stop(): Promise<string[]> {
    this.#ends.abort()
    const members = [...this.#members.values()]
    for (const { program } of members) program.signal("SIGTERM")
    const late = await Promise.all(
      members.map(async ({ name, pid, program }) => {
        const patience = new AbortController()
        const end = await Promise.race([
          program.death,
          systemClock.sleep(STOP_MS, { signal: patience.signal }).catch(() => {}),
        ])
        patience.abort()
        if (end === undefined) {
          program.signal("SIGKILL")
          await program.death
          return `${name} (process ${pid}) did not stop within ${STOP_MS} ms of SIGTERM`
        }
        return end.code === 0
          ? undefined
          : `${name} (process ${pid}) ended with ${end.code ?? end.signal}`
      }),
    )
    await Promise.all(this.#keepers)
    return late.filter((each) => each !== undefined)
  }

  /** Ends all at once, for a driver that gives up. */
  async kill(): Promise<void> {
    this.#ends.abort()
    for (const { program } of this.#members.values()) program.signal("SIGKILL")
    await Promise.all(this.#keepers)
  }

  async #keep(plan: WorkerPlan): Promise<void> {
    const { signal } = this.#ends
    while (!signal.aborted) {
      const log = openSync(join(plan.folder, `${plan.name}.log`), "a")
      const program = startFresh(
        this.#pids,
        () =>
          new Program(PROGRAM, {
            env: planEnvironment(plan),
            stdio: ["ignore", log, log, "ipc"],
            detached: true,
          }),
      )
      closeSync(log)
      this.#reaper.process(program.pid)
      const member = { name: plan.name, pid: program.pid, program }
      program.onMessage((message) => {
        if (message === "calm") this.#calmed.add(program.pid)
      })
      this.#members.set(plan.name, member)
      void program.ready.then(
        () => this.#isReady(member),
        () => {},
      )
      const death = await program.death
      this.#reaper.forget(program.pid)
      this.deaths.push(death)
      this.#ready.delete(program.pid)
      if (this.#members.get(plan.name) === member) this.#members.delete(plan.name)
      await systemClock.sleep(50 + randomBelow(this.#rng, 800), { signal }).catch(() => {})
    }
  }

  #lastWords(): string {
    const { folder, name } = this.#plans[0] ?? { folder: "", name: "" }
    return readFileSync(join(folder, `${name}.log`), "utf8").slice(-LAST_WORDS)
  }

  #isReady(member: Member): void {
    if (this.#members.get(member.name) !== member) return
    this.#ready.add(member.pid)
    if (this.#calm) member.program.tell({ do: "calm" })
    this.#onReady(member)
  }
}
