import type { ExchangeReply, ExchangeRequest } from "../../packages/drover/src/store/index.ts"
import type { Life } from "../engine/life.ts"
import type { StoreCall } from "../faults/faultStore.ts"
import type { Checker } from "./checker.ts"
import { promise } from "./violation.ts"

// Whoever loses many races for jobs that come due one by one asks some fifty times a second; a loop that feeds itself
// asks a hundred times, for as long as its cause lasts.
const WINDOW_MS = 5_000
const MOST_EMPTY = 300

/** A worker that finds nothing does not ask again and again: idle or blocked, it costs next to nothing. */
export class SpinChecker implements Checker {
  readonly name = "spin"
  readonly #nowMs: () => number
  readonly #empty: WeakMap<Life, number[]> = new WeakMap()

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  executed(call: StoreCall, reply: unknown): void {
    if (call.op !== "exchange") return
    const [{ settlements }] = call.args as [ExchangeRequest]
    if (settlements.length > 0 || (reply as ExchangeReply).claimed.length > 0) return
    const since = this.#nowMs() - WINDOW_MS
    const empty = (this.#empty.get(call.life) ?? []).filter((atMs) => atMs > since)
    empty.push(this.#nowMs())
    this.#empty.set(call.life, empty)
    promise(
      empty.length <= MOST_EMPTY,
      this.name,
      () => `${call.life.name} asked ${empty.length} times within ${WINDOW_MS} ms and got nothing`,
    )
  }
}
