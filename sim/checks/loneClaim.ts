import type { ExchangeReply, ExchangeRequest } from "../../packages/drover/src/store/index.ts"
import type { StoreCall } from "../faults/faultStore.ts"

/** A claim as it was asked for and answered. */
export interface Claim {
  readonly request: ExchangeRequest
  readonly reply: ExchangeReply
}

/**
 * The claim of an event, for who judges by what it saw: beside another claim or any other call of that event, except a
 * look, that cannot be told.
 */
export class LoneClaim {
  #claims: Claim[] = []
  #others = 0

  /** A call was carried out in this event. */
  executed(call: StoreCall, reply: unknown): void {
    if (call.op === "exchange") {
      const [request] = call.args as [ExchangeRequest]
      this.#claims.push({ request, reply: reply as ExchangeReply })
    } else if (call.op !== "peek") this.#others += 1
  }

  /** The event is over. @returns its claim, if nothing else was carried out in it. */
  settled(): Claim | undefined {
    const [claim] = this.#claims
    const isAlone = this.#claims.length === 1 && this.#others === 0
    this.#claims = []
    this.#others = 0
    return isAlone ? claim : undefined
  }
}
