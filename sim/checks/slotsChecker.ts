import type { PeekReply, QueueSettings } from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import type { HandlerRun } from "./jobRecord.ts"
import { promise } from "./violation.ts"

interface Limit {
  readonly slots: number
  /** When the process learned it. */
  readonly sinceMs: number
}

// A claim that was on its way when the process learned of a lower limit may still be filled.
const GRACE_MS = 60_000

/** No process ever runs more handlers of a queue at once than it has slots, stuck ones included. */
export class SlotsChecker implements Checker {
  readonly name = "slots"
  readonly #configured: ReadonlyMap<string, number>
  readonly #nowMs: () => number
  // All by life: a process that starts anew knows nothing.
  readonly #limits: WeakMap<object, Map<string, Limit[]>> = new WeakMap()
  readonly #running: WeakMap<object, Set<HandlerRun>> = new WeakMap()
  readonly #claiming: WeakSet<object> = new WeakSet()

  constructor(configured: ReadonlyMap<string, number>, nowMs: () => number) {
    this.#configured = configured
    this.#nowMs = nowMs
  }

  delivered(call: StoreCall, reply: unknown): void {
    if (call.op === "peek") this.#learn(call.life, (reply as PeekReply).settings)
    // Later ones are asked by clients of the process, not by its worker.
    else if (call.op === "queueSettings" && !this.#claiming.has(call.life)) {
      this.#learn(call.life, reply as readonly QueueSettings[])
    }
  }

  executed(call: StoreCall): void {
    if (call.op === "exchange") this.#claiming.add(call.life)
  }

  handlerStarted(run: HandlerRun): void {
    const limit = this.#limitOf(run.life, run.queue)
    let running = this.#running.get(run.life)
    if (running === undefined) {
      running = new Set()
      this.#running.set(run.life, running)
    }
    running.add(run)
    const beside = [...running].filter(({ queue }) => queue === run.queue).length
    promise(
      beside <= limit,
      this.name,
      () =>
        `process ${run.process} runs ${beside} jobs of queue ${run.queue}, which has ${limit} slots`,
    )
  }

  handlerEnded(run: HandlerRun): void {
    this.#running.get(run.life)?.delete(run)
  }

  /** The highest limit that the process may still be acting on. */
  #limitOf(life: object, queue: string): number {
    const limits = this.#limits.get(life)?.get(queue)
    if (limits === undefined) return this.#configured.get(queue) ?? 0
    const sinceMs = this.#nowMs() - GRACE_MS
    const recent = limits.filter((_, i) => (limits[i + 1]?.sinceMs ?? Infinity) > sinceMs)
    return Math.max(...recent.map(({ slots }) => slots))
  }

  #learn(life: object, settings: readonly QueueSettings[]): void {
    let known = this.#limits.get(life)
    if (known === undefined) {
      known = new Map()
      this.#limits.set(life, known)
    }
    for (const { queue, slots } of settings) {
      const own = this.#configured.get(queue) ?? 0
      let limits = known.get(queue)
      if (limits === undefined) {
        // What was learned before the first claim holds for that claim.
        limits = this.#claiming.has(life) ? [{ slots: own, sinceMs: -Infinity }] : []
        known.set(queue, limits)
      }
      const value = slots ?? own
      if (limits.at(-1)?.slots !== value) limits.push({ slots: value, sinceMs: this.#nowMs() })
    }
  }
}
