/** Every rule, in the order of their names. */
import { immediateRearm } from "./immediateRearm.ts"
import { intervalOverlap } from "./intervalOverlap.ts"
import { lockNonatomicRelease } from "./lockNonatomicRelease.ts"
import { lockReleaseWithoutOwnerCheck } from "./lockReleaseWithoutOwnerCheck.ts"
import { lockStaticToken } from "./lockStaticToken.ts"
import { pollWithoutJitter } from "./pollWithoutJitter.ts"
import { retryWithoutJitter } from "./retryWithoutJitter.ts"
import { scheduleClobber } from "./scheduleClobber.ts"
import { toctouCounter } from "./toctouCounter.ts"
import type { Rule } from "./rule.ts"

export const rules: readonly Rule[] = [
  immediateRearm,
  intervalOverlap,
  lockNonatomicRelease,
  lockReleaseWithoutOwnerCheck,
  lockStaticToken,
  pollWithoutJitter,
  retryWithoutJitter,
  scheduleClobber,
  toctouCounter,
]
