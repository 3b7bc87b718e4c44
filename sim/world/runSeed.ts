import { systemClock } from "../../packages/drover/src/time/index.ts"
import { SeededRng } from "../../packages/drover/src/time/index.ts"
import type { Sometimes } from "../checks/sometimes.ts"
import { Violation } from "../checks/violation.ts"
import type { Life } from "../engine/life.ts"
import { faultName } from "../faults/fault.ts"
import type { Fault } from "../faults/fault.ts"
import { kinds } from "../workload/plan.ts"
import type { Action, KindName } from "../workload/plan.ts"
import { Client } from "./client.ts"
import { defineKinds } from "./handlers.ts"
import { drawConfig } from "./seedConfig.ts"
import type { RunRequest, SeedConfig } from "./seedConfig.ts"
import type { SimProcess } from "./simProcess.ts"
import { World } from "./world.ts"

/** What one run gave. */
export interface RunResult {
  readonly seed: number
  readonly config: SeedConfig
  /** SHA-256 of the whole history. */
  readonly hash: string
  /** `undefined` when every promise held. */
  readonly violation: { readonly checker: string; readonly message: string } | undefined
  readonly simulatedMs: number
  readonly realMs: number
  readonly events: number
  readonly jobs: number
  readonly faults: ReadonlyMap<string, number>
  readonly sometimes: Sometimes
  /** The end of the history, if it was kept. */
  readonly tail: readonly string[]
}

// How long the healed machine may take to work off everything: retries are capped at 30 s, snoozes at 10 s.
const LIVENESS_MS = 2 * 3_600_000

/** Runs one seed: safety under faults, then healing, then liveness, then a clean stop. */
export async function runSeed(
  request: RunRequest,
  options: { readonly keepTail?: boolean } = {},
): Promise<RunResult> {
  const config = drawConfig(request)
  const startedMono = systemClock.monotonic()
  const world = new World(config, { keepTail: options.keepTail ?? false })
  const onStray = (error: unknown): void => world.accuse("stray", `nobody caught: ${String(error)}`)
  process.on("unhandledRejection", onStray)
  let violation: Violation | undefined
  try {
    await world.prepare()
    const run = new Run(world)
    run.plan()
    await world.engine.run(
      () => run.isOver,
      () => world.look(),
    )
    world.finish()
  } catch (error) {
    violation =
      error instanceof Violation
        ? error
        : new Violation("simulator", String(error instanceof Error ? error.stack : error))
    world.note("sim", `violation of ${violation.checker}: ${violation.message}`)
  } finally {
    process.off("unhandledRejection", onStray)
  }
  const jobs = world.known.length
  world.close()
  return {
    seed: config.seed,
    config,
    hash: world.history.digest(),
    violation: violation && { checker: violation.checker, message: violation.message },
    simulatedMs: world.engine.nowMs,
    realMs: systemClock.monotonic() - startedMono,
    events: world.engine.events,
    jobs,
    faults: countFaults(config.faults),
    sometimes: world.sometimes,
    tail: world.history.tail,
  }
}

type Phase = "faults" | "healing" | "probing" | "stopping" | "over"

// Delays of the probes, one after the other; and how long after the healing leases may still be recovering.
const PROBES_MS = [0, 3_000, 7_000, 0]
const RECOVERY_MS = 60_000

/** The phases of one run. */
class Run {
  readonly #world: World
  readonly #client: Client
  #phase: Phase = "faults"
  #actionsLeft = 0
  /** The lives in which something that a client began has not ended. */
  readonly #acting: Map<Life, number> = new Map()
  #isRecovered = false
  #isOpen = false

  constructor(world: World) {
    this.#world = world
    this.#client = new Client(
      {
        definitions: new Map(
          defineKinds(null, Object.keys(kinds) as KindName[]).map((definition) => [
            definition.kind as KindName,
            definition,
          ]),
        ),
        known: world.known,
        isLimited: world.config.isLimited,
        unfinished: () => world.unfinished(),
        intends: (id) => world.intends(id),
        acknowledged: (id, herd) => world.acknowledged(id, herd),
        gaveUp: (action, error) => world.note("client", `${action} failed: ${String(error)}`),
        met: (name) => world.sometimes.hit(name),
      },
      new SeededRng(`client/${world.config.seed}`),
    )
  }

  get isOver(): boolean {
    if (
      this.#phase === "healing" &&
      this.#isOpen &&
      this.#isRecovered &&
      this.#world.isMaintained &&
      this.#world.isIdle
    ) {
      this.#phase = "probing"
      void this.#probe(0)
    }
    return this.#phase === "over"
  }

  /** Puts everything that will happen on the queue of events. */
  plan(): void {
    const { engine, config, processes } = this.#world
    for (const simProcess of processes) {
      engine.at(simProcess.place * 37, () => simProcess.start())
    }
    for (const fault of config.faults) {
      if ("process" in fault && (fault.process ?? 0) >= processes.length) continue
      engine.at(fault.atMs, () => this.#strike(fault))
    }
    this.#actionsLeft = config.actions.length
    for (const action of config.actions) engine.at(action.atMs, () => this.#perform(action))
    engine.at(config.durationMs, () => this.#heal())
  }

  #strike(fault: Fault): void {
    if (this.#phase !== "faults") return
    const { processes, sometimes } = this.#world
    if (fault.kind !== "call") {
      this.#world.note("fault", JSON.stringify(fault))
      sometimes.hit(`fault: ${fault.kind}`)
    }
    switch (fault.kind) {
      case "crash":
        this.#world.busyFrom(fault.process)?.crash(fault.downMs)
        break
      case "deploy":
        processes[fault.process]?.deploy(fault.downMs)
        break
      case "brownout":
        this.#world.dim(fault)
        break
      case "pause":
        this.#world.busyFrom(fault.process)?.life?.pause(fault.forMs)
        break
      case "block":
        processes[fault.process]?.life?.pause(fault.forMs)
        break
      case "jump":
        for (const simProcess of processes) {
          if ((fault.process ?? simProcess.place) === simProcess.place) {
            simProcess.jumpWall(fault.byMs)
          }
        }
        break
      case "deaf":
      case "full":
      case "outage":
      case "call":
        // The plan strikes calls by itself.
        break
    }
  }

  #perform(action: Action): void {
    const place = this.#placeFor(action)
    if (place === undefined) {
      // Everybody is down: clients wait.
      const { engine } = this.#world
      engine.at(engine.nowMs + 1_000, () => this.#perform(action))
      return
    }
    this.#actionsLeft--
    this.#world.note(place.life.name, `client: ${action.do}`)
    const { life } = place
    this.#acting.set(life, (this.#acting.get(life) ?? 0) + 1)
    const ended = (): unknown => this.#acting.set(life, this.#acting.get(life)! - 1)
    life.after(0, () => void this.#client.act(action, place).then(ended))
  }

  /** Whether all that clients do has been done, or will never be: what they began in a life that ended. */
  get #isActed(): boolean {
    return this.#actionsLeft === 0 && [...this.#acting].every(([life, n]) => n === 0 || life.isDead)
  }

  #placeFor(action: Action): SimProcess["running"] {
    const { processes } = this.#world
    for (let i = 0; i < processes.length; i++) {
      const simProcess = processes[(action.process + i) % processes.length]!
      if (simProcess.running !== undefined && simProcess.life?.isPaused === false) {
        return simProcess.running
      }
    }
    return undefined
  }

  /** Ends all faults; whatever is still broken after this is Drover's. */
  #heal(): void {
    const { engine, processes } = this.#world
    this.#world.note("sim", "heals")
    this.#phase = "healing"
    this.#world.heal()
    for (const simProcess of processes) {
      simProcess.life?.wake()
      simProcess.start()
    }
    this.#openQueues()
    engine.at(engine.nowMs + RECOVERY_MS, () => (this.#isRecovered = true))
    engine.at(engine.nowMs + LIVENESS_MS, () => this.#judgeLiveness())
  }

  // Only when nobody sets anything any more, and again if the process ends in the middle of it.
  #openQueues(): void {
    const { engine } = this.#world
    if (this.#isOpen) return
    const place = this.#isActed ? this.#placeFor({ process: 0 } as Action) : undefined
    if (place !== undefined) {
      const opened = (): unknown => (this.#isOpen = true)
      place.life.after(0, () => void this.#client.open(place).then(opened))
    }
    engine.at(engine.nowMs + (place === undefined ? 500 : 30_000), () => this.#openQueues())
  }

  /** One job at a time on an idle machine: each must start when it is due. */
  async #probe(round: number): Promise<void> {
    const { engine } = this.#world
    const delayMs = PROBES_MS[round]
    const place = this.#placeFor({ process: round } as Action)
    if (delayMs === undefined || place === undefined) {
      this.#stopAll()
      return
    }
    const sentMs = engine.nowMs
    const id = await this.#client.probe(delayMs, place)
    // It may have started before the enqueue returned, which is as prompt as can be.
    if (this.#world.ledger.unfinished > 0 || delayMs > 0) {
      this.#world.expectPrompt(id, delayMs - (engine.nowMs - sentMs))
    }
    this.#awaitProbe(round)
  }

  #awaitProbe(round: number): void {
    const { engine } = this.#world
    engine.at(engine.nowMs + 1_000, () => {
      if (this.#world.isIdle) void this.#probe(round + 1)
      else this.#awaitProbe(round)
    })
  }

  #judgeLiveness(): void {
    if (this.#phase !== "healing" && this.#phase !== "probing") return
    const waiting = [...this.#world.ledger.jobs].filter(({ finishedAt }) => finishedAt === null)
    const sample = waiting
      .slice(0, 5)
      .map(
        ({ id, kind, state, attempt, reason }) =>
          `${id} ${kind} ${state} #${attempt} ${reason ?? ""}`,
      )
    const lacks = this.#world.isMaintained ? "" : "nobody maintains, and "
    this.#world.accuse(
      "liveness",
      `${lacks}${waiting.length} jobs are not finished ${LIVENESS_MS / 60_000} minutes after all faults ended: ${sample.join("; ")}`,
    )
  }

  #stopAll(): void {
    const { processes, engine } = this.#world
    this.#phase = "stopping"
    this.#world.note("sim", "stops all")
    this.#world.end()
    const up = processes.filter(({ running }) => running !== undefined)
    let left = up.length
    const stopped = (isClean: boolean, place: number): void => {
      if (!isClean)
        this.#world.accuse("stop", `process ${place} did not stop although nothing was in its way`)
      left--
      // One more turn of every timer: nothing may happen any more.
      if (left === 0) engine.at(engine.nowMs + 60_000, () => (this.#phase = "over"))
    }
    for (const simProcess of up) {
      void simProcess.stop().then((isClean) => stopped(isClean, simProcess.place))
    }
    if (up.length === 0) this.#phase = "over"
  }
}

function countFaults(faults: readonly Fault[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const fault of faults) {
    const name = faultName(fault)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}
