/** Every rule, in the order of their names. */
import { immediateRearm } from "./immediateRearm.ts"
import { pollWithoutJitter } from "./pollWithoutJitter.ts"
import { retryWithoutJitter } from "./retryWithoutJitter.ts"
import { scheduleClobber } from "./scheduleClobber.ts"
import { toctouCounter } from "./toctouCounter.ts"
import type { Rule } from "./rule.ts"

export const rules: readonly Rule[] = [
  immediateRearm,
  pollWithoutJitter,
  retryWithoutJitter,
  scheduleClobber,
  toctouCounter,
]
