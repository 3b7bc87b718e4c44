import { Drover } from "drover"
import type { JobDefinition } from "drover"
import { Events } from "../../packages/drover/src/events/index.ts"
import type { Store, StoreSource } from "../../packages/drover/src/store/index.ts"
import { SeededRng } from "../../packages/drover/src/time/index.ts"
import type { HandlerRun } from "../checks/jobRecord.ts"
import { Life } from "../engine/life.ts"
import { limitedKinds, queuesOf } from "../workload/limits.ts"
import type { KindName } from "../workload/plan.ts"
import { simSchedules } from "../workload/schedules.ts"
import { defineKinds } from "./handlers.ts"
import { maintenanceStarts } from "./maintenanceStarts.ts"
import type { HandlerHost } from "./handlers.ts"
import type { World } from "./world.ts"

// What a supervisor waits before it starts a process that exited by itself.
const RESTART_MS: readonly [number, number] = [500, 10_000]
// And how long it waits for a stop before it kills.
const KILL_AFTER_MS = 60_000

/** What runs in one life. */
interface Running {
  readonly life: Life
  readonly drover: Drover
  readonly store: Store
  /** SIGKILL. */
  readonly crash: () => void
  readonly stop: () => Promise<void>
}

/** One simulated process and the supervisor that starts it again. */
export class SimProcess {
  readonly place: number
  readonly #world: World
  readonly #rng: SeededRng
  #lives = 0
  #life: Life | undefined
  #running: Running | undefined
  #stopping = false
  #wallSkewMs: number

  constructor(world: World, place: number, wallSkewMs: number) {
    this.place = place
    this.#world = world
    this.#rng = new SeededRng(`process/${world.config.seed}/${place}`)
    this.#wallSkewMs = wallSkewMs
  }

  /** The current life; `undefined` while the process is down. */
  get life(): Life | undefined {
    return this.#life
  }

  /** What clients of this process can call, once it has started. */
  get running(): Running | undefined {
    return this.#stopping ? undefined : this.#running
  }

  /** Starts a new life, unless there is one. */
  start(): void {
    if (this.#life !== undefined || this.#world.isEnding) return
    const world = this.#world
    const name = `p${this.place}.${++this.#lives}`
    const rng = this.#rng.fork(`life/${name}`)
    // Was where its monotonic clock began, before there was one of the machine; recorded seeds keep their histories.
    this.#rng.next()
    const life = new Life({
      name,
      engine: world.engine,
      rng,
      wallSkewMs: this.#wallSkewMs,
      monoOriginMs: world.monoOriginMs,
    })
    this.#life = life
    this.#stopping = false
    world.note(name, "starts")
    life.after(0, () => void this.#run(life))
  }

  /** SIGKILL, then a new start after a while. */
  crash(downMs: number = this.#restartMs()): void {
    const life = this.#life
    if (life === undefined) return
    this.#world.note(life.name, "is killed")
    this.#end(life)
    this.#startIn(downMs)
  }

  /** SIGTERM, then a new start after a while. */
  deploy(downMs: number): void {
    const { life } = this
    if (life === undefined) return
    void this.stop().then((isClean) => {
      if (this.#life !== life) return
      this.#world.note(life.name, isClean ? "exits" : "is killed because it does not stop")
      this.#end(life)
      this.#startIn(downMs)
    })
  }

  /** Stops gracefully. @returns whether it stopped in time; `false` also when a crash came first. */
  stop(): Promise<boolean> {
    const running = this.#running
    const life = this.#life
    if (running === undefined || life === undefined) return Promise.resolve(true)
    if (this.#stopping) return Promise.resolve(false)
    this.#stopping = true
    this.#world.note(life.name, "stops")
    this.#world.stopping(life)
    return new Promise((resolve) => {
      const finish = (isClean: boolean): void => resolve(isClean)
      running.stop().then(
        () => {
          this.#world.stopped(life)
          finish(true)
        },
        (error: unknown) => {
          this.#world.note(life.name, `stop failed: ${String(error)}`)
          finish(false)
        },
      )
      this.#world.engine.at(this.#world.engine.nowMs + KILL_AFTER_MS, () => finish(false))
    })
  }

  jumpWall(byMs: number): void {
    this.#wallSkewMs += byMs
    this.#life?.jumpWall(byMs)
  }

  #restartMs(): number {
    const [low, high] = RESTART_MS
    return low + (high - low) * this.#rng.next()
  }

  #startIn(downMs: number): void {
    this.#world.engine.at(this.#world.engine.nowMs + downMs, () => this.start())
  }

  #end(life: Life): void {
    life.kill()
    this.#world.died(life)
    this.#life = undefined
    this.#running = undefined
  }

  async #run(life: Life): Promise<void> {
    const world = this.#world
    const { source, store } = this.#source(life)
    const events = new Events()
    events.onAny((name, data) => world.saw(life, name, data))
    const drover = new Drover({
      store: source,
      jobs: defineKinds(this.#handlerHost(life), this.#kinds()) as JobDefinition[],
      queues: queuesOf(world.config.isLimited),
      schedules: simSchedules(world.scheduleEndAt),
      retention: {
        completed: world.retention.completedMs,
        cancelled: world.retention.cancelledMs,
        discarded: world.retention.discardedMs,
        bytes: world.retention.bytes,
      },
      maintenance: { sweep: world.config.sweepMs },
      onMaintenanceStart: maintenanceStarts(
        life,
        this.#rng.fork(`maintenance/${life.name}`),
        () => world.isHealed,
      ),
      actor: `sim:${life.name}`,
      migrate: false,
      events,
      clock: life,
      rng: this.#rng.fork(`drover/${life.name}`),
    })
    try {
      const worker = await drover.work({ poll: world.config.pollMs })
      const stop = async (): Promise<void> => {
        await worker.stop()
        await drover.close()
      }
      this.#running = { life, drover, store: store(), stop, crash: () => this.crash() }
      world.started(life)
    } catch (error) {
      if (life.isDead) return
      world.note(life.name, `start failed: ${String(error)}`)
      this.crash()
    }
  }

  #source(life: Life): { readonly source: StoreSource; readonly store: () => Store } {
    let store: Store | undefined
    const source: StoreSource = {
      label: "simulated",
      connect: (environment) => (store ??= this.#world.connect(this.place, life, environment)),
    }
    return { source, store: () => store! }
  }

  #handlerHost(life: Life): HandlerHost {
    const world = this.#world
    return {
      process: this.place,
      life,
      nowMs: () => world.engine.nowMs,
      started: (run: HandlerRun) => world.handlerStarted(run),
      ended: (run: HandlerRun) => world.handlerEnded(run),
      crash: () => {
        world.sometimes.hit("a job took its process with it")
        this.crash()
      },
    }
  }

  // Every second process is of an older version that has not heard of the rare kind.
  #kinds(): readonly KindName[] {
    const known: KindName[] = ["sim.work", "sim.bulk", "sim.herd"]
    if (this.#world.config.isLimited) known.push(...limitedKinds)
    return this.place % 2 === 0 ? [...known, "sim.rare"] : known
  }
}
