/** What may still be sent in a run. */
import { MAX_OUTPUT_TOKENS, tokensOf, type Limits } from "./model.ts"

export const defaultLimits: Limits = {
  maxCalls: 20,
  maxInputTokens: 200_000,
  maxCostUsd: null,
  price: null,
}

/** Counts calls, tokens and money; what an answer may cost at most is counted before it is asked for. */
export class Budget {
  readonly #limits: Limits
  #calls = 0
  #tokens = 0
  #costUsd = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Takes the room for a request, or refuses it and takes nothing. */
  take(body: string): boolean {
    const { maxCalls, maxInputTokens, maxCostUsd, price } = this.#limits
    const tokens = tokensOf(body)
    const costUsd = price
      ? (tokens * price.inputUsd + MAX_OUTPUT_TOKENS * price.outputUsd) / 1e6
      : 0
    const fits =
      this.#calls < maxCalls &&
      this.#tokens + tokens <= maxInputTokens &&
      (maxCostUsd === null || this.#costUsd + costUsd <= maxCostUsd)
    if (!fits) return false
    this.#calls++
    this.#tokens += tokens
    this.#costUsd += costUsd
    return true
  }
}
