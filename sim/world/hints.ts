import type { Engine } from "../engine/engine.ts"
import type { Life } from "../engine/life.ts"
import type { FaultPlan } from "../faults/faultPlan.ts"
import type { HintHub } from "../faults/faultStore.ts"
import type { Rng } from "../../packages/drover/src/time/index.ts"

interface Listener {
  readonly process: number
  readonly life: Life
  readonly call: () => void
  pending: boolean
}

// As the store's own look at its change mark: at most this often, at most this late.
const HINT_MS = 12

/**
 * Tells the other processes that something was committed, a little late and only if the faults let it. It
 * stands in for the store's own look at the database every few milliseconds, which would cost the simulator
 * more than everything else together.
 */
export class Hints implements HintHub {
  readonly #engine: Engine
  readonly #plan: FaultPlan
  readonly #rng: Rng
  readonly #changes: () => number
  #listeners: Listener[] = []
  #seen = 0

  /** @param changes a number that grows with every change of the database. */
  constructor(engine: Engine, plan: FaultPlan, rng: Rng, changes: () => number) {
    this.#engine = engine
    this.#plan = plan
    this.#rng = rng
    this.#changes = changes
  }

  subscribe(process: number, life: Life, call: () => void): () => void {
    const listener: Listener = { process, life, call, pending: false }
    this.#listeners = [...this.#listeners.filter(({ life: other }) => !other.isDead), listener]
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener)
    }
  }

  changed(from: number, toSelf: boolean): void {
    const changes = this.#changes()
    if (changes === this.#seen) return
    this.#seen = changes
    for (const listener of this.#listeners) {
      if ((listener.process === from && !toSelf) || listener.pending || listener.life.isDead)
        continue
      if (!this.#plan.hears(listener.process, this.#engine.nowMs)) continue
      listener.pending = true
      listener.life.after(HINT_MS * this.#rng.next(), () => {
        listener.pending = false
        if (this.#listeners.includes(listener)) listener.call()
      })
    }
  }
}
