import { modelRules } from "./model/modelRules.ts"
import type { Rules } from "./rules.ts"
import { claimRules } from "./rules/claims.ts"
import { enqueueRules } from "./rules/enqueue.ts"
import { enqueueWithClaimRules } from "./rules/enqueuesWithClaims.ts"
import { fenceRules } from "./rules/fences.ts"
import { historyRules } from "./rules/history.ts"
import { hostileTextRules } from "./rules/hostileTexts.ts"
import { keyedBatchRules } from "./rules/keyedBatches.ts"
import { leadershipRules } from "./rules/leadership.ts"
import { lifecycleRules } from "./rules/lifecycle.ts"
import { limitModelRules } from "./rules/limitModel.ts"
import { rateRules } from "./rules/limitRates.ts"
import { concurrencyRules } from "./rules/limits.ts"
import { operatorRules } from "./rules/operators.ts"
import { questionRules } from "./rules/questions.ts"
import { queueRules } from "./rules/queues.ts"
import { repeatRules } from "./rules/repeats.ts"
import { rescueRules } from "./rules/rescue.ts"
import { retentionRules } from "./rules/retention.ts"
import { scheduleRules } from "./rules/schedules.ts"
import { settlementRules } from "./rules/settlements.ts"
import { tickRules } from "./rules/ticks.ts"
import { transactionRules } from "./rules/transactions.ts"
import { uniqueRules } from "./rules/unique.ts"
import { uniqueModeRules } from "./rules/uniqueModes.ts"
import { workerRules } from "./rules/workers.ts"

/** Every subject of the contract, with its rules. */
export const subjects: Readonly<Record<string, Rules>> = {
  enqueue: enqueueRules,
  "unique keys that reject": uniqueRules,
  "unique keys that fold": uniqueModeRules,
  "batches with unique keys": keyedBatchRules,
  claims: claimRules,
  fences: fenceRules,
  settlements: settlementRules,
  repeats: repeatRules,
  "enqueues with claims": enqueueWithClaimRules,
  leadership: leadershipRules,
  rescue: rescueRules,
  workers: workerRules,
  queues: queueRules,
  operators: operatorRules,
  questions: questionRules,
  "limits of concurrency": concurrencyRules,
  "rates and fair shares": rateRules,
  "limits under random operations": limitModelRules,
  history: historyRules,
  retention: retentionRules,
  transactions: transactionRules,
  lifecycle: lifecycleRules,
  schedules: scheduleRules,
  ticks: tickRules,
  "hostile texts": hostileTextRules,
  model: modelRules,
}
