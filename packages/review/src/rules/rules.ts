/** Every rule, in the order of their names. */
import { pollWithoutJitter } from "./pollWithoutJitter.ts"
import { retryWithoutJitter } from "./retryWithoutJitter.ts"
import type { Rule } from "./rule.ts"

export const rules: readonly Rule[] = [pollWithoutJitter, retryWithoutJitter]
