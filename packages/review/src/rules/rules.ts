/** Every rule, in the order of their names. */
import { advisoryLockLeak } from "./advisoryLockLeak.ts"
import { cacheStampede } from "./cacheStampede.ts"
import { cancelCauseMasked } from "./cancelCauseMasked.ts"
import { checkThenActMap } from "./checkThenActMap.ts"
import { claimWithoutRowLock } from "./claimWithoutRowLock.ts"
import { cleanupWithCancelledContext } from "./cleanupWithCancelledContext.ts"
import { consumerNotIdempotent } from "./consumerNotIdempotent.ts"
import { cronWithoutLeader } from "./cronWithoutLeader.ts"
import { dlqMissing } from "./dlqMissing.ts"
import { dualWriteNoOutbox } from "./dualWriteNoOutbox.ts"
import { fireAndForgetAck } from "./fireAndForgetAck.ts"
import { hotLoop } from "./hotLoop.ts"
import { idempotencyKeyInternal } from "./idempotencyKeyInternal.ts"
import { immediateRearm } from "./immediateRearm.ts"
import { inMemoryDedupe } from "./inMemoryDedupe.ts"
import { intervalOverlap } from "./intervalOverlap.ts"
import { kafkaAutocommit } from "./kafkaAutocommit.ts"
import { leaderOneshotStart } from "./leaderOneshotStart.ts"
import { lockNonatomicAcquire } from "./lockNonatomicAcquire.ts"
import { lockNonatomicRelease } from "./lockNonatomicRelease.ts"
import { lockNotReleasedOnThrow } from "./lockNotReleasedOnThrow.ts"
import { lockReleaseWithoutOwnerCheck } from "./lockReleaseWithoutOwnerCheck.ts"
import { lockStaticToken } from "./lockStaticToken.ts"
import { lostUpdate } from "./lostUpdate.ts"
import { lostWakeup } from "./lostWakeup.ts"
import { missingDeadline } from "./missingDeadline.ts"
import { nestedRetry } from "./nestedRetry.ts"
import { onConflictRace } from "./onConflictRace.ts"
import { pollWithoutJitter } from "./pollWithoutJitter.ts"
import { promiseAllFanout } from "./promiseAllFanout.ts"
import { retryNonretryable } from "./retryNonretryable.ts"
import { retryWithoutJitter } from "./retryWithoutJitter.ts"
import { sagaCompensationMissing } from "./sagaCompensationMissing.ts"
import { scheduleClobber } from "./scheduleClobber.ts"
import { sleepInTest } from "./sleepInTest.ts"
import { staleTermAction } from "./staleTermAction.ts"
import { toctouCounter } from "./toctouCounter.ts"
import { transactionalWrapsLock } from "./transactionalWrapsLock.ts"
import { unawaitedClaimWrite } from "./unawaitedClaimWrite.ts"
import { unboundedRetry } from "./unboundedRetry.ts"
import { wallClockLease } from "./wallClockLease.ts"
import type { Rule } from "./rule.ts"

export const rules: readonly Rule[] = [
  advisoryLockLeak,
  cacheStampede,
  cancelCauseMasked,
  checkThenActMap,
  claimWithoutRowLock,
  cleanupWithCancelledContext,
  consumerNotIdempotent,
  cronWithoutLeader,
  dlqMissing,
  dualWriteNoOutbox,
  fireAndForgetAck,
  hotLoop,
  idempotencyKeyInternal,
  immediateRearm,
  inMemoryDedupe,
  intervalOverlap,
  kafkaAutocommit,
  leaderOneshotStart,
  lockNonatomicAcquire,
  lockNonatomicRelease,
  lockNotReleasedOnThrow,
  lockReleaseWithoutOwnerCheck,
  lockStaticToken,
  lostUpdate,
  lostWakeup,
  missingDeadline,
  nestedRetry,
  onConflictRace,
  pollWithoutJitter,
  promiseAllFanout,
  retryNonretryable,
  retryWithoutJitter,
  sagaCompensationMissing,
  scheduleClobber,
  sleepInTest,
  staleTermAction,
  toctouCounter,
  transactionalWrapsLock,
  unawaitedClaimWrite,
  unboundedRetry,
  wallClockLease,
]
