import { randomBelow, SeededRng, systemClock } from "../src/time/index.ts"
import type { Program } from "./program.ts"
import type { Ground } from "./ground.ts"
import { producerPoints, workerPoints } from "./plan.ts"
import { readWitnesses } from "./witness.ts"

// Short-lived ones, beside one that lives long enough to see leases end.
const MAYFLIES = 2
// A point that is never reached must not hold up the storm.
const PATIENCE_MS = 3_000

type Role = "mayfly" | "elder" | "producer"

/** What is going to happen to a process. */
type Fate =
  | { readonly how: "at"; readonly crashAt: string }
  | { readonly how: "pauseAt"; readonly crashAt: string }
  | { readonly how: "kill"; readonly afterMs: number }
  | { readonly how: "pause"; readonly afterMs: number }

/** Keeps some workers and a producer at work, and kills and pauses them, until enough were killed. */
export class Weather {
  readonly #ground: Ground
  readonly #kills: number
  readonly #rng: SeededRng
  readonly #lives = { mayfly: 0, elder: 0, producer: 0 }
  killed = 0
  pauses = 0

  constructor(ground: Ground, kills: number, seed: string) {
    this.#ground = ground
    this.#kills = kills
    this.#rng = new SeededRng(seed)
  }

  async rage(): Promise<void> {
    const mayflies = Array.from({ length: MAYFLIES }, () => this.#keepAlive("mayfly"))
    await Promise.all([...mayflies, this.#keepAlive("elder"), this.#keepAlive("producer")])
  }

  /** Starts one process after the other in a place, until enough were killed. */
  async #keepAlive(role: Role): Promise<void> {
    while (this.killed < this.#kills) {
      const life = this.#lives[role]++
      const fate = this.#draw(role, life)
      const seed = `${this.#ground.plan.seed}/${role}/${life}`
      const program = this.#ground.start(
        role === "producer" ? "producer" : "worker",
        { seed },
        "crashAt" in fate ? fate.crashAt : undefined,
      )
      await program.ready
      await this.#strike(program, fate)
      const death = await program.death
      if (death.signal === "SIGKILL") this.killed++
    }
  }

  #draw(role: Role, life: number): Fate {
    if (role === "producer") return this.#producersFate(life)
    if (role === "mayfly") return this.#workersFate(life)
    return { how: "kill", afterMs: 3 * this.#ground.plan.leaseMs + randomBelow(this.#rng, 2_000) }
  }

  /** Every point once, then a mixture. */
  #workersFate(life: number): Fate {
    const afterMs = 100 + randomBelow(this.#rng, 700)
    const count = 1 + randomBelow(this.#rng, 20)
    const point = workerPoints[life % workerPoints.length] ?? "after-claim"
    // Some points are passed rarely in one life.
    const isRare = point === "after-register" || point === "after-rescue"
    const at: Fate = { how: "at", crashAt: `${point}:${isRare ? 1 : count}` }
    if (life < workerPoints.length) return at
    const fates: readonly Fate[] = [
      at,
      { how: "pauseAt", crashAt: `before-settle:${count}:SIGSTOP` },
      { how: "kill", afterMs },
      at,
      { how: "pause", afterMs },
      at,
      { how: "pauseAt", crashAt: `before-claim:${count}:SIGSTOP` },
      { how: "kill", afterMs },
    ]
    return fates[life % fates.length] ?? at
  }

  #producersFate(life: number): Fate {
    const point = producerPoints[life % producerPoints.length] ?? "before-enqueue"
    const count = 1 + randomBelow(this.#rng, 10)
    if (life % 4 !== 3) return { how: "at", crashAt: `${point}:${count}` }
    return { how: "kill", afterMs: 100 + randomBelow(this.#rng, 700) }
  }

  async #strike(program: Program, fate: Fate): Promise<void> {
    if (fate.how === "at") {
      await Promise.race([program.death, systemClock.sleep(PATIENCE_MS, { ref: false })])
    } else if (fate.how === "pauseAt") {
      if (await this.#struck(program)) await this.#pause(program)
    } else {
      await systemClock.sleep(fate.afterMs)
      if (fate.how === "pause") await this.#pause(program)
    }
    program.signal("SIGKILL")
  }

  /** Waits until the process has paused itself. */
  async #struck({ pid }: Program): Promise<boolean> {
    const endMono = systemClock.monotonic() + PATIENCE_MS
    while (systemClock.monotonic() < endMono) {
      const own = readWitnesses(this.#ground.plan.folder, pid)
      if (own.some(({ event }) => event === "struck")) return true
      await systemClock.sleep(50)
    }
    return false
  }

  /** Beyond its lease, and a little longer so that it can try to go on as if nothing had happened. */
  async #pause(program: Program): Promise<void> {
    this.pauses++
    await this.#ground.pause(program, () => systemClock.sleep(2 * this.#ground.plan.leaseMs))
    await systemClock.sleep(500)
  }
}
