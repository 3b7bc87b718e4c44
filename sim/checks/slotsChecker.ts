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
  readonly #limits: Map<string, Limit[]> = new Map()
  readonly #running: Map<string, Set<HandlerRun>> = new Map()

  constructor(configured: ReadonlyMap<string, number>, nowMs: () => number) {
    this.#configured = configured
    this.#nowMs = nowMs
  }

  delivered(call: StoreCall, reply: unknown): void {
    if (call.op === "peek") this.#learn(call.process, (reply as PeekReply).settings)
    else if (call.op === "setQueue") this.#learn(call.process, [reply as QueueSettings])
    else if (call.op === "queueSettings") {
      this.#learn(call.process, reply as readonly QueueSettings[])
    }
  }

  handlerStarted(run: HandlerRun): void {
    const key = `${run.process}/${run.queue}`
    let running = this.#running.get(key)
    if (running === undefined) {
      running = new Set()
      this.#running.set(key, running)
    }
    for (const other of running) if (other.life.isDead) running.delete(other)
    running.add(run)
    const limit = this.#limitOf(key, run.queue)
    promise(
      running.size <= limit,
      this.name,
      () =>
        `process ${run.process} runs ${running.size} jobs of queue ${run.queue}, which has ${limit} slots`,
    )
  }

  handlerEnded(run: HandlerRun): void {
    this.#running.get(`${run.process}/${run.queue}`)?.delete(run)
  }

  /** The highest limit that the process may still be acting on. */
  #limitOf(key: string, queue: string): number {
    const limits = this.#limits.get(key) ?? []
    const current = limits.at(-1)?.slots ?? this.#configured.get(queue) ?? 0
    const recent = limits.filter((_, i) => {
      const endedMs = limits[i + 1]?.sinceMs
      return endedMs !== undefined && this.#nowMs() - endedMs < GRACE_MS
    })
    const first = limits[0]
    const fromStart =
      first !== undefined && this.#nowMs() - first.sinceMs < GRACE_MS
        ? (this.#configured.get(queue) ?? 0)
        : 0
    return Math.max(current, fromStart, ...recent.map(({ slots }) => slots))
  }

  #learn(process: number, settings: readonly QueueSettings[]): void {
    for (const { queue, slots } of settings) {
      const key = `${process}/${queue}`
      const limits = this.#limits.get(key) ?? []
      const value = slots ?? this.#configured.get(queue) ?? 0
      if ((limits.at(-1)?.slots ?? this.#configured.get(queue)) === value) continue
      limits.push({ slots: value, sinceMs: this.#nowMs() })
      this.#limits.set(key, limits)
    }
  }
}
